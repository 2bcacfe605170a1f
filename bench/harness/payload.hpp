// What is in a message, so that a lost, repeated, reordered or damaged one is noticed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "processes.hpp"

namespace bench {

inline constexpr std::size_t line = 64;

/// A message begins with its label and, if it has room for two, ends with it.
struct label {
  std::uint8_t sender;
  bool last;  // not a message of the run, but the sign that it is over
  std::uint64_t number;

  [[nodiscard]] std::uint64_t pack() const noexcept {
    return std::uint64_t{sender} << 56 | std::uint64_t{last} << 55 | number;
  }
  static label unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint8_t>(word >> 56), (word >> 55 & 1) != 0, word & ~(~0ULL << 55)};
  }
};

inline void write_word(std::byte* where, std::uint64_t word) noexcept {
  std::memcpy(where, &word, sizeof(word));
}
inline std::uint64_t read_word(const std::byte* where) noexcept {
  std::uint64_t word;
  std::memcpy(&word, where, sizeof(word));
  return word;
}

/// Writes the label to both ends; what is between is not looked at.
inline void stamp(std::span<std::byte> message, label l) noexcept {
  write_word(message.data(), l.pack());
  if (message.size() >= 16)
    write_word(&message[message.size() - 8], l.pack());
}
inline label read_stamp(std::span<const std::byte> message, std::size_t expected_size) {
  if (message.size() != expected_size)
    throw failure("a message of another size arrived");
  const std::uint64_t word = read_word(message.data());
  if (message.size() >= 16 && read_word(&message[message.size() - 8]) != word)
    throw failure("a damaged message arrived");
  return label::unpack(word);
}

/// Writes a word to every cache line of the message: the label, then counting up.
inline void fill(std::span<std::byte> message, label l) noexcept {
  std::uint64_t word = l.pack();
  for (std::size_t at = 0; at < message.size(); at += line)
    write_word(&message[at], word++);
}
/// Reads the word of every cache line and checks their sum.
inline label read_filled(std::span<const std::byte> message, std::size_t expected_size) {
  if (message.size() != expected_size)
    throw failure("a message of another size arrived");
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < message.size(); at += line)
    sum += read_word(&message[at]);
  const std::uint64_t lines = (message.size() + line - 1) / line;
  const std::uint64_t first = read_word(message.data());
  if (sum != lines * first + lines * (lines - 1) / 2)
    throw failure("a damaged message arrived");
  return label::unpack(first);
}

/// What one receiver got, and that it is in each sender's order.
class account {
 public:
  void add(label l) {
    if (l.sender >= senders)
      throw failure("a message from nobody arrived");
    if (l.number < next_[l.sender])
      throw failure("a message arrived twice or out of order");
    next_[l.sender] = l.number + 1;
    sum_ += l.number;
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  static constexpr std::size_t senders = 8;
  std::uint64_t next_[senders] = {};
  std::uint64_t sum_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace bench
