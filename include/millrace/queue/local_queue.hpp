// local_queue: the ring within one process, for messages of any movable type. Any number of threads
// enqueue, one dequeues. Never waits, never allocates after construction.
//
// What the ring between processes needs to survive deaths is not here, and what is left is short:
//   enqueue  the tail names a slot; if its word is free in the tail's lap, moving the tail claims
//            it (the only atomic read-modify-write); write the T, publish the word
//   dequeue  the head is the consumer's own; if its slot's word is ready in the head's lap, take
//            the T out and set the word free for the next lap
// The shape is that of Dmitry Vyukov's bounded queue with single-consumer dequeue; words and laps
// are those of detail/word.hpp, the slot's protocol is in detail/typed_slot.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/detail/cursor.hpp>
#include <millrace/detail/nothing.hpp>
#include <millrace/detail/ring.hpp>
#include <millrace/detail/tail_guess.hpp>
#include <millrace/detail/typed_slot.hpp>

namespace millrace {

/// Thread-safety: try_enqueue and close from any thread; the others from one at a
/// time. `A`: the atomic operations to use, for tests.
template <class T, class A = detail::native_atomics>
class local_queue {
  static_assert(std::is_move_constructible_v<T>, "messages are moved in and out");

 public:
  /// Room for exactly `limit` messages, 1 to 2^31 - 1. Throws errc::invalid_option for any other.
  explicit local_queue(std::size_t limit)
      : slots_count_(checked(limit)), slots_(std::make_unique<slot[]>(limit)) {
    for (std::uint32_t i = 0; i < slots_count_; ++i) {
      slots_[i].word.store(detail::word::free(first_lap).bits, std::memory_order_relaxed);
    }
    tail_.store(start.bits, std::memory_order_relaxed);
  }
  local_queue(const local_queue&) = delete;
  local_queue& operator=(const local_queue&) = delete;
  ~local_queue() {
    for (std::uint32_t i = 0; i < slots_count_; ++i) {
      if (slots_[i].load().is(detail::state::ready)) {
        std::destroy_at(std::addressof(slots_[i].value));
      }
    }
  }

  /// ok: moved from `message`. full, closed: `message` is as it was. If T's move throws, so does
  /// this, and the place that was claimed for it stays taken until the consumer comes by.
  status try_enqueue(T&& message) noexcept(std::is_nothrow_move_constructible_v<T>) {
    detail::tail_guess none;
    return try_enqueue(std::move(message), none);
  }
  /// The same, for a producer that comes again.
  status try_enqueue(T&& message,
                     detail::tail_guess& guess) noexcept(std::is_nothrow_move_constructible_v<T>) {
    // The word at the tail is
    //  (1) free in the tail's lap: to be claimed
    //  (2) of the lap before: its message was not taken yet. Nobody can have claimed it in this
    //      lap, so if the tail is not closed meanwhile, it still stands here: full
    //  (3) further on: others have claimed it meanwhile
    detail::cursor tail = guess.of(tail_);
    for (;;) {
      if (tail.closed()) {
        return status::closed;
      }
      slot& s = slots_[tail.index()];
      const detail::word w = s.load();            // SYNC (b)
      if (w == detail::word::free(tail.lap())) {  // (1)
        // Relaxed: it hands out places, and orders nothing; the words do.
        const detail::cursor next = tail.next(slots_count_);
        std::uint64_t seen = tail.bits;  // not tail itself, which then had to be in memory
        if (tail_.compare_exchange_weak(seen, next.bits, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
          guess.moved(tail, next);
          s.publish(std::move(message), tail.lap());
          slots_[next.index()].expect_message();
          return status::ok;
        }
        tail.bits = seen;
      } else {
        const detail::cursor now{tail_.load(std::memory_order_relaxed)};
        if (now.bits == tail.bits && detail::laps_between(w.lap(), tail.lap()) < 0) {  // (2)
          return status::full;
        }
        tail = now;  // (3)
      }
    }
  }

  /// Puts the oldest message that is published into `to`; false: there is none. If T's move throws,
  /// so does this, and that message is lost.
  bool try_dequeue(std::optional<T>& to) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (!ready()) {
      return false;
    }
    at_head().take(to, [this]() noexcept { step(); });
    return true;
  }
  [[nodiscard]] std::optional<T> try_dequeue() noexcept(std::is_nothrow_move_constructible_v<T>) {
    auto message = detail::nothing<T>();
    try_dequeue(message);
    return message;
  }

  /// Whether try_dequeue would find a message. For the consumer.
  [[nodiscard]] bool ready() noexcept {
    const std::uint32_t lap = head_.lap();
    const detail::word w = at_head().load();  // SYNC (a)
    return w == slot::marked(detail::state::ready, lap) ||
           (w == slot::marked(detail::state::pad, lap) && ready_past_pads());
  }

  /// From now on nothing is enqueued; what was stays to be dequeued.
  void close() noexcept { tail_.fetch_or(detail::cursor::closed_bit, std::memory_order_acq_rel); }
  [[nodiscard]] bool closed() const noexcept {
    return detail::cursor{tail_.load(std::memory_order_acquire)}.closed();
  }
  /// Closed, and nothing left in it, nor about to be published.
  [[nodiscard]] bool drained() const noexcept {
    const detail::cursor tail{tail_.load(std::memory_order_acquire)};
    return tail.closed() && tail.at(head_);
  }

  [[nodiscard]] std::size_t limit() const noexcept { return slots_count_; }

 private:
  using slot = detail::typed_slot<T, A>;
  static constexpr auto first_lap = static_cast<std::uint32_t>(detail::first_lap);
  static constexpr detail::cursor start = detail::cursor::start_of(first_lap);

  [[nodiscard]] slot& at_head() const noexcept { return slots_[head_.index()]; }

  /// Past the slot at the head, whose T is gone.
  void step() noexcept {
    slot& gone = at_head();
    const auto free = detail::word::free(head_.lap() + 1);
    head_ = head_.next(slots_count_);
    gone.word.store(free.bits, std::memory_order_release);  // SYNC (b)
  }
  [[gnu::noinline]] bool ready_past_pads() noexcept {
    do {
      step();
    } while (at_head().load() == slot::marked(detail::state::pad, head_.lap()));
    return ready();
  }

  static std::uint32_t checked(std::size_t limit) {
    if (limit == 0 || limit >= detail::cursor::max_slots) {
      throw error(errc::invalid_option,
                  "local_queue: limit must be 1 to 2^31 - 1, not " + std::to_string(limit));
    }
    return static_cast<std::uint32_t>(limit);
  }

  // What both sides read, what producers write, and what the consumer writes lie in lines of their
  // own.
  alignas(A::apart) const std::uint32_t slots_count_;
  const std::unique_ptr<slot[]> slots_;
  alignas(A::apart) typename A::template atomic<std::uint64_t> tail_;
  alignas(A::apart) detail::cursor head_ = start;
};

}  // namespace millrace
