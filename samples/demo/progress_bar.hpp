// A bar on the terminal that says how far the work is; nothing at all when standard error is not a
// terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sample {

class progress_bar {
 public:
  explicit progress_bar(std::uint64_t total_bytes);
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  /// Wipes the bar, so that what is printed next stands on a line of its own.
  ~progress_bar();

  /// Draws anew, ten times a second at most.
  void show(std::uint64_t bytes, std::uint64_t messages);

 private:
  std::uint64_t total_;
  bool terminal_;
  std::chrono::steady_clock::time_point next_{};
};

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace sample
