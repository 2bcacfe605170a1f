// A slot of a ring within one process: the word that says what is in it, and room for a T. The
// words are those of word.hpp, but only three of their states: nobody dies alone in here, so
// nobody's claim need be told from another's.
//
//     free(lap)  --- claimed by moving the tail, then written --->  ready(lap) or pad(lap)
//     ready(lap) or pad(lap)  --------- taken, done with -------->  free(lap + 1)
//
// A pad is what a T whose move threw leaves behind: the place was claimed, and must be gone past.
//
// SYNC (a) publish: -> ready  with take: the acquire load that finds it     the T
// SYNC (b) vacate: -> free    with claim: the acquire load that finds it    the T's end
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <millrace/detail/word.hpp>

namespace millrace::detail {

template <class T, class A>
struct typed_slot {
  // Where messages fill cache lines, a slot begins a line of its own, since its neighbour, which
  // the other side works on, would share one with it.
  alignas(sizeof(T) > 56 ? A::apart : 8) typename A::template atomic<std::uint64_t> word;
  union {
    T value;
  };

  typed_slot() noexcept : word{} {}
  // Whoever owns the slot knows whether there is a T; by default it would be deleted for many.
  ~typed_slot() {}  // NOLINT(modernize-use-equals-default)

  [[nodiscard]] detail::word load() const noexcept {
    return {word.load(std::memory_order_acquire)};
  }
  [[nodiscard]] static constexpr detail::word marked(state s, std::uint32_t lap) noexcept {
    return detail::word::make(lap, s, 0, 1);
  }
  void mark(state s, std::uint32_t lap) noexcept {
    word.store(marked(s, lap).bits, std::memory_order_release);
  }

  /// Fetches what a message will be written to, but for the first line: the consumer may be looking
  /// at the word there. Else a producer waits for each line in turn, as the consumer has read them
  /// all; without this, messages of 300 bytes take nearly twice as long from thread to thread.
  void expect_message() const noexcept {
    constexpr std::size_t line = 64;
    constexpr std::size_t enough = 8 * line;  // a core fetches about so many at once
    const auto* const here = reinterpret_cast<const std::byte*>(this);
    for (std::size_t at = line; at < std::min(sizeof *this, enough); at += line) {
      A::prefetch_to_write(here + at);
    }
  }

  /// Writes a message into a claimed slot and publishes it; if its move throws, publishes a pad.
  void publish(T&& message, std::uint32_t lap) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      std::construct_at(std::addressof(value), std::move(message));
    } else {
      try {
        std::construct_at(std::addressof(value), std::move(message));
      } catch (...) {
        mark(state::pad, lap);
        throw;
      }
    }
    mark(state::ready, lap);  // SYNC (a)
  }

  /// Takes the message of a ready slot out into `to`, then calls `vacate`. If its move throws, the
  /// message is gone, and the slot is vacated as well: whoever asks again gets the next one.
  template <class Vacate>
  void take(std::optional<T>& to, Vacate vacate) {
    struct ending {
      typed_slot& slot;
      Vacate& vacate;
      ~ending() {
        std::destroy_at(std::addressof(slot.value));
        vacate();
      }
    } at_end{*this, vacate};
    to.emplace(std::move(value));
  }
};

}  // namespace millrace::detail
