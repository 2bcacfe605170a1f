// Copies of the world and its stacks, the latest on top.
#pragma once

#include <cstddef>
#include <vector>

namespace millrace::interleaving {

class snapshots {
 public:
  void push();
  /// Takes the world back to the latest copy, which stays.
  void restore() const;
  void pop();

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::size_t> begins_;
};

}  // namespace millrace::interleaving
