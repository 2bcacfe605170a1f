// A fuzzer's input, read piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace fuzz {

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  [[nodiscard]] std::size_t size() const { return left_.size(); }

  /// The next bytes as a number; zeros stand for those behind the end.
  template <class T>
  T next() {
    T value{};
    copy_to(&value, sizeof value);
    return value;
  }

  /// Copies up to `size` of the next bytes.
  void copy_to(void* to, std::size_t size) {
    const auto piece = left_.first(std::min(size, left_.size()));
    if (!piece.empty()) {
      std::memcpy(to, piece.data(), piece.size());
    }
    left_ = left_.subspan(piece.size());
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace fuzz

/// Each target defines this: one run with one input. Whatever is in it, the target survives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
