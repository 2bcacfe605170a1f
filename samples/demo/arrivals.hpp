// What the subscribers say they received, and whether that is what lies on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sample {

class arrivals {
 public:
  /// Takes the whole lines off the front of what one subscriber printed. Throws on a line that is
  /// not as subscriber/main.cpp prints them.
  void take_lines(std::string& printed);

  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  /// Reads the files again and compares: a sentence for every one that did not arrive once, byte
  /// for byte, and for every one that arrived without having been sent.
  [[nodiscard]] std::vector<std::string> differences(const std::vector<std::string>& sent) const;

 private:
  struct piece {
    std::uint64_t offset, length, checksum;
  };
  void take(const std::string& line);

  std::unordered_map<std::string, std::vector<piece>> pieces_;  // by the file's path
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace sample
