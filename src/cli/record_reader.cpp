// Finding delimiters in a buffer that grows only for a record that does not fit.
#include "record_reader.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::cli {

namespace {

constexpr std::size_t first_buffer_size = 256 * 1024;
// How far to count a record that is too long anyway, for the sake of its error message.
constexpr std::uint64_t count_limit = std::uint64_t{1} << 30;

}  // namespace

record_reader::record_reader(input& from, char delimiter, std::size_t longest)
    : from_(from), delimiter_(delimiter), longest_(longest), size_(first_buffer_size),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}

bool record_reader::next(std::vector<std::span<const std::byte>>& records, std::size_t most) {
  records.clear();
  for (;;) {
    while (records.size() < most) {
      const std::byte* from = buffer_.get() + scanned_;
      const auto* found =
          static_cast<const std::byte*>(std::memchr(from, delimiter_, filled_ - scanned_));
      if (found == nullptr) {
        scanned_ = filled_;
        break;
      }
      const auto end = static_cast<std::size_t>(found - buffer_.get());
      if (end - first_ > longest_) {
        break;
      }
      records.emplace_back(buffer_.get() + first_, end - first_);
      first_ = scanned_ = end + 1;
    }
    if (!records.empty()) {
      given_out_ += records.size();
      return true;
    }
    if (filled_ - first_ > longest_) {
      throw_too_long();
    }
    if (ended_) {
      if (first_ == filled_) {
        return false;
      }
      records.emplace_back(buffer_.get() + first_, filled_ - first_);
      first_ = filled_;
      ++given_out_;
      return true;
    }
    make_room();
    const std::size_t got = from_.read({buffer_.get() + filled_, size_ - filled_});
    filled_ += got;
    read_ += got;
    ended_ = got == 0;
  }
}

void record_reader::make_room() {
  const std::size_t kept = filled_ - first_;
  if (kept * 2 > size_) {
    const std::size_t larger = size_ * 2;
    auto moved = std::make_unique_for_overwrite<std::byte[]>(larger);
    std::memcpy(moved.get(), buffer_.get() + first_, kept);
    buffer_ = std::move(moved);
    size_ = larger;
  } else if (kept > 0) {
    std::memmove(buffer_.get(), buffer_.get() + first_, kept);
  }
  scanned_ -= first_;
  first_ = 0;
  filled_ = kept;
}

void record_reader::throw_too_long() {
  std::uint64_t counted = 0;
  bool all = false;
  for (;;) {
    const std::byte* from = buffer_.get() + first_;
    const auto* found =
        static_cast<const std::byte*>(std::memchr(from, delimiter_, filled_ - first_));
    counted += found != nullptr ? static_cast<std::size_t>(found - from) : filled_ - first_;
    if (found != nullptr || ended_) {
      all = true;
      break;
    }
    if (counted >= count_limit + longest_) {
      break;
    }
    first_ = 0;
    filled_ = from_.read({buffer_.get(), size_});
    ended_ = filled_ == 0;
  }
  throw record_too_long{given_out_ + 1, counted, all};
}

}  // namespace millrace::cli
