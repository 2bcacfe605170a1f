// Where a stream of TLS stands: between two records, or within one. OpenSSL does not say so of a
// record of which it has the head alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace millrace::detail {

/// A record is a head of five bytes, of which the last two are the length, and so many bytes more.
class record_position {
 public:
  void pass(std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
      if (head_ < head_size) {
        if (head_ >= head_size - 2) {
          left_ = left_ << 8 | std::to_integer<std::size_t>(bytes.front());
        }
        ++head_;
        bytes = bytes.subspan(1);
      } else {
        const std::size_t now = std::min(left_, bytes.size());
        left_ -= now;
        bytes = bytes.subspan(now);
      }
      if (head_ == head_size && left_ == 0) {
        head_ = 0;
      }
    }
  }
  [[nodiscard]] bool within() const noexcept { return head_ > 0; }

 private:
  static constexpr std::size_t head_size = 5;

  std::size_t head_ = 0;  // bytes of it that are past
  std::size_t left_ = 0;  // bytes after it that are not
};

}  // namespace millrace::detail
