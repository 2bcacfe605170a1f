// Cuts an input into records at a delimiter, in place in one buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "streams.hpp"

namespace millrace::cli {

/// A record that is longer than allowed.
struct record_too_long {
  std::uint64_t number;  // counted from 1
  std::uint64_t size;    // bytes, or as many as were counted
  bool counted_all;
};

/// Records end at the delimiter, which is no part of them; what follows the last delimiter is a
/// record if it has a byte at least.
class record_reader {
 public:
  record_reader(input& from, char delimiter, std::size_t longest);

  /// Fills `records` with those that lie ready in memory, up to `most` and at least one, reading on
  /// only when there is none; they stay valid until the next call. False: the end. Throws
  /// record_too_long only when all records before that one have been given out.
  bool next(std::vector<std::span<const std::byte>>& records, std::size_t most);

  /// Bytes of the input that have been given out, delimiters included.
  [[nodiscard]] std::uint64_t consumed() const { return read_ - (filled_ - first_); }

 private:
  void make_room();
  [[noreturn]] void throw_too_long();

  input& from_;
  char delimiter_;
  std::size_t longest_;
  std::size_t size_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t first_ = 0;    // where the next record begins
  std::size_t scanned_ = 0;  // no delimiter from first_ to here
  std::size_t filled_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t given_out_ = 0;  // records
  bool ended_ = false;
};

}  // namespace millrace::cli
