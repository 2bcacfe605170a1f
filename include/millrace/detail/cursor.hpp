// Where in its ring one side stands: a position, as the two numbers it is made of, in one word.
//
//      63                            32 31                             1    0
//     +--------------------------------+--------------------------------+--------+
//     |              lap               |              index             | closed |
//     +--------------------------------+--------------------------------+--------+
//
// Kept apart so that a ring may have any number of slots without a division on every step. The
// lowest bit closes the ring to those who claim: an exchange that expects it clear fails once it is
// set, so nothing slips in behind a close.
#pragma once

#include <cstdint>

namespace millrace::detail {

struct cursor {
  static constexpr std::uint64_t closed_bit = 1;
  static constexpr unsigned index_shift = 1;
  static constexpr unsigned lap_shift = 32;
  static constexpr std::uint64_t max_slots = std::uint64_t{1} << 31;

  std::uint64_t bits = 0;

  [[nodiscard]] static constexpr cursor start_of(std::uint32_t lap) noexcept {
    return {std::uint64_t{lap} << lap_shift};
  }
  [[nodiscard]] constexpr std::uint32_t lap() const noexcept {
    return static_cast<std::uint32_t>(bits >> lap_shift);
  }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept {
    return static_cast<std::uint32_t>(bits) >> index_shift;
  }
  [[nodiscard]] constexpr bool closed() const noexcept { return (bits & closed_bit) != 0; }

  [[nodiscard]] constexpr cursor next_index() const noexcept {
    return {bits + (std::uint64_t{1} << index_shift)};
  }
  /// One on, in a ring of so many slots.
  [[nodiscard]] constexpr cursor next(std::uint32_t slots) const noexcept {
    return index() + 1 == slots ? start_of(lap() + 1) : next_index();
  }
  /// Whether two cursors stand at the same place, closed or not.
  [[nodiscard]] constexpr bool at(cursor other) const noexcept {
    return (bits | closed_bit) == (other.bits | closed_bit);
  }
};

}  // namespace millrace::detail
