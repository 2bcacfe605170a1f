// The word of a slot: the one atomic value that says what its slot is, whose, and in which lap.
//
//      63                            32 31              13 12         3 2     0
//     +--------------------------------+------------------+------------+-------+
//     |              lap               |       span       |   owner    | state |
//     +--------------------------------+------------------+------------+-------+
//
// A record is one message, or one stretch of padding. It takes `span` slots in a row; the word of
// its first slot, the head, speaks for all of them. A position counts slots since the queue was
// made: position = lap * slots + index.
//
//   state     lap           owner           meaning
//   free      lap in which  -               nobody's; the whole word is the lap alone
//             it may be
//             claimed next
//   claimed   this lap      publisher       being written
//   ready     this lap      -               a message
//   pad       this lap      -               nothing to deliver: the rest before the ring's end, an
//                                           aborted claim, or one whose publisher died
//   taken     next lap      subscriber      being read
//   orphan    next lap      -               was being read by somebody who died, left or gave it
//                                           back; to be delivered again
//   clearing  next lap      whoever clears  its words are being set free
//   revoked   next lap      publisher       a claim that its live owner left standing for too long;
//                                           the others went around it
//
// The last four are "held": nobody can use the slots yet, and nobody needs to wait for them.
// Where the owner column has a dash the field means nothing.
#pragma once

#include <cstdint>

namespace millrace::detail {

enum class state : unsigned {
  free,
  claimed,
  ready,
  pad,
  taken,
  orphan,
  clearing,
  revoked
};

struct word {
  static constexpr unsigned state_bits = 3;
  static constexpr unsigned owner_bits = 10;
  static constexpr unsigned span_bits = 19;
  static constexpr unsigned lap_shift = state_bits + owner_bits + span_bits;
  static_assert(lap_shift == 32, "the lap is the upper half");
  static constexpr std::uint64_t owner_mask = std::uint64_t{(1U << owner_bits) - 1} << state_bits;

  std::uint64_t bits = 0;

  [[nodiscard]] static constexpr word free(std::uint32_t lap) noexcept {
    return {std::uint64_t{lap} << lap_shift};
  }
  [[nodiscard]] static constexpr word make(std::uint32_t lap, state s, std::uint32_t owner,
                                           std::uint32_t span) noexcept {
    return {std::uint64_t{lap} << lap_shift | std::uint64_t{span} << (state_bits + owner_bits) |
            std::uint64_t{owner} << state_bits | static_cast<std::uint64_t>(s)};
  }

  [[nodiscard]] constexpr std::uint32_t lap() const noexcept {
    return static_cast<std::uint32_t>(bits >> lap_shift);
  }
  [[nodiscard]] constexpr std::uint32_t span() const noexcept {
    return static_cast<std::uint32_t>(bits >> (state_bits + owner_bits)) & ((1U << span_bits) - 1);
  }
  [[nodiscard]] constexpr std::uint32_t owner() const noexcept {
    return static_cast<std::uint32_t>(bits >> state_bits) & ((1U << owner_bits) - 1);
  }
  [[nodiscard]] constexpr detail::state state() const noexcept {
    return static_cast<detail::state>(bits & ((1U << state_bits) - 1));
  }

  [[nodiscard]] constexpr bool is(detail::state s) const noexcept { return state() == s; }
  [[nodiscard]] constexpr bool held() const noexcept { return state() >= state::taken; }
  /// Whether the owner field means something.
  [[nodiscard]] constexpr bool owned() const noexcept {
    return is(state::claimed) || is(state::taken) || is(state::clearing) || is(state::revoked);
  }
  [[nodiscard]] constexpr bool owned_by(std::uint32_t id) const noexcept {
    return owned() && owner() == id;
  }

  [[nodiscard]] constexpr word with(detail::state s) const noexcept {
    return make(lap(), s, owner(), span());
  }
  [[nodiscard]] constexpr word with_next_lap() const noexcept {
    return {bits + (std::uint64_t{1} << lap_shift)};  // the lap wraps by leaving the 64 bits
  }

  friend constexpr bool operator==(word, word) noexcept = default;
};

/// How many laps `a` is ahead of `b`, negative when behind; right across the wrap as long as they
/// are less than 2^31 laps apart.
[[nodiscard]] constexpr std::int32_t laps_between(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b);
}

}  // namespace millrace::detail
