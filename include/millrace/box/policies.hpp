// What a box does when it is full: the second template argument of message_box.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>

namespace millrace {

inline constexpr std::chrono::nanoseconds for_ever = std::chrono::nanoseconds::max();

/// deliver waits for room.
struct blocking {
  std::size_t limit;  // messages, exactly; 1 or more
  static constexpr bool bounded = true;
  [[nodiscard]] constexpr auto deliver_time() const noexcept { return for_ever; }
  [[nodiscard]] constexpr auto receive_time() const noexcept { return for_ever; }
};

/// deliver says false at once.
struct non_blocking {
  std::size_t limit;
  static constexpr bool bounded = true;
  [[nodiscard]] constexpr auto deliver_time() const noexcept { return std::chrono::nanoseconds(0); }
  [[nodiscard]] constexpr auto receive_time() const noexcept { return for_ever; }
};

/// deliver waits for room, but no longer than this, and receive no longer than that.
struct waiting {
  std::size_t limit;
  std::chrono::nanoseconds deliver_within;
  std::chrono::nanoseconds receive_within = for_ever;
  static constexpr bool bounded = true;
  [[nodiscard]] constexpr auto deliver_time() const noexcept { return deliver_within; }
  [[nodiscard]] constexpr auto receive_time() const noexcept { return receive_within; }
};

/// There is always room: the box grows, and shrinks again.
struct unlimited {
  static constexpr bool bounded = false;
  [[nodiscard]] constexpr auto deliver_time() const noexcept { return for_ever; }
  [[nodiscard]] constexpr auto receive_time() const noexcept { return for_ever; }
};

/// How long deliver and receive wait if they are not told: 0: not at all.
template <class P>
concept box_policy = std::copyable<P> && requires(const P& policy) {
  { P::bounded } -> std::convertible_to<bool>;
  { policy.deliver_time() } -> std::convertible_to<std::chrono::nanoseconds>;
  { policy.receive_time() } -> std::convertible_to<std::chrono::nanoseconds>;
  requires !P::bounded || requires {
    { policy.limit } -> std::convertible_to<std::size_t>;
  };
};

/// As P, for a box of which there are very many, each with little to do: it is small, and its
/// receiver falls asleep in nanoseconds instead of microseconds. While threads are busy with it, it
/// is slower.
template <box_policy P>
struct quiet : P {};

template <class P>
inline constexpr bool is_quiet = false;
template <class P>
inline constexpr bool is_quiet<quiet<P>> = true;

}  // namespace millrace
