// growing_queue: local_queue without a limit. Its laps lie in segments of their own, linked in
// their order: the first ones short, so that a quiet queue is small, later ones of a few hundred
// slots. The very first lies in the queue itself. Any other goes when it was drained; one is kept
// for the next lap, so that steady traffic allocates nothing.
//
// Nobody may touch a segment that could have gone. So a producer claims before it looks: it reads
// the tail, reads which segment is last, and moves the tail from what it read. As the last segment
// changes only while the tail stands past the end of a lap, where nobody claims, success means that
// the segment is the tail's; and with a slot in it claimed and not yet published, it stays. (The
// idea is that of the list queue in Rust's crossbeam.)
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <millrace/core/status.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/detail/cursor.hpp>
#include <millrace/detail/nothing.hpp>
#include <millrace/detail/ring.hpp>
#include <millrace/detail/tail_guess.hpp>
#include <millrace/detail/typed_slot.hpp>

namespace millrace {

/// Thread-safety: try_enqueue and close from any thread; the others from one at a
/// time. For tests: `A`, the atomic operations to use; `Shortest`, the slots of the first segment,
/// and `Longest`, those that later ones come to by doubling.
template <class T, class A = detail::native_atomics, std::uint32_t Shortest = 4,
          std::uint32_t Longest = 64 * Shortest>
class growing_queue {
  static_assert(std::is_move_constructible_v<T>, "messages are moved in and out");

 public:
  growing_queue() : first_(segment::make_at(first_place_, slots_in(first_lap))) {
    last_.store(first_, std::memory_order_relaxed);
    tail_.store(start.bits, std::memory_order_relaxed);
    spare_.store(nullptr, std::memory_order_relaxed);
  }
  growing_queue(const growing_queue&) = delete;
  growing_queue& operator=(const growing_queue&) = delete;
  ~growing_queue() {
    for (detail::cursor tail{tail_.load(std::memory_order_acquire)}; !head_.at(tail);) {
      if (at_head().load().is(detail::state::ready)) {
        std::destroy_at(std::addressof(at_head().value));
      }
      step();
    }
    release(first_);
    segment::destroy(spare_.load(std::memory_order_relaxed));
  }

  /// ok: moved from `message`. closed: `message` is as it was. Throws std::bad_alloc, and what T's
  /// move throws.
  status try_enqueue(T&& message) {
    detail::tail_guess none;
    return try_enqueue(std::move(message), none);
  }
  /// The same, for a producer that comes again.
  status try_enqueue(T&& message, detail::tail_guess& guess) {
    segment_ptr next;
    std::uint32_t next_slots = 0;
    detail::cursor tail = guess.of(tail_);
    for (int waits = 0;;) {
      if (tail.closed()) {
        return status::closed;
      }
      const std::uint32_t slots = slots_in(tail.lap());
      if (tail.index() == slots) {  // somebody is about to link the next segment
        if (++waits % 16 == 0) {
          std::this_thread::yield();
        }
        A::pause();
        tail.bits = tail_.load(std::memory_order_acquire);
        continue;
      }
      segment* const s = last_.load(std::memory_order_acquire);
      const bool ends_lap = tail.index() + 1 == slots;
      if (ends_lap && next_slots < slots_in(tail.lap() + 1)) {  // may be left from an earlier lap
        next = obtain(tail.lap() + 1);                          // before the claim, as it may throw
        next_slots = slots_in(tail.lap() + 1);
      }
      std::uint64_t seen = tail.bits;  // not tail itself, which then had to be in memory
      if (tail_.compare_exchange_weak(seen, tail.next_index().bits, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        guess.moved(tail, tail.next(slots));
        if (ends_lap) {
          link(*s, next.release(), tail);
        }
        slot& here = s->slots()[tail.index()];
        here.publish(std::move(message), tail.lap());
        if (!ends_lap) {
          (&here + 1)->expect_message();  // which may be gone by now: a hint does no harm
        }
        return status::ok;
      }
      tail.bits = seen;
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

 private:
  using slot = detail::typed_slot<T, A>;
  static constexpr auto first_lap = static_cast<std::uint32_t>(detail::first_lap);
  static constexpr detail::cursor start = detail::cursor::start_of(first_lap);
  static constexpr auto doublings =
      static_cast<std::uint32_t>(std::countr_zero(Longest / Shortest));

  /// How long a lap is follows from its number alone, as nobody may look into a segment before it
  /// has claimed a slot of it.
  [[nodiscard]] static constexpr std::uint32_t slots_in(std::uint32_t lap) noexcept {
    const std::uint32_t number = lap - first_lap;
    return number < doublings ? Shortest << number : Longest;
  }
  static_assert(slots_in(first_lap + doublings) == 2 * slots_in(first_lap + doublings - 1));

  /// The slots follow in the same piece of memory.
  struct segment {
    typename A::template atomic<segment*> next;

    [[nodiscard]] slot* slots() noexcept {
      return std::launder(reinterpret_cast<slot*>(reinterpret_cast<std::byte*>(this) + offset));
    }

    [[nodiscard]] static segment* make(std::uint32_t lap) {
      const std::uint32_t count = slots_in(lap);
      return make_at(::operator new (size(count), std::align_val_t{alignment}), count);
    }
    [[nodiscard]] static segment* make_at(void* memory, std::uint32_t count) noexcept {
      auto* s = ::new (memory) segment{};
      auto* at = static_cast<std::byte*>(memory) + offset;
      for (std::uint32_t i = 0; i < count; ++i) {
        ::new (at + i * sizeof(slot)) slot;
      }
      return s;
    }
    static void destroy(segment* s) noexcept { ::operator delete (s, std::align_val_t{alignment}); }
    [[nodiscard]] static constexpr std::size_t size(std::uint32_t count) noexcept {
      return offset + count * sizeof(slot);
    }

    static constexpr std::size_t alignment = std::max(alignof(slot), alignof(void*));
    static constexpr std::size_t offset = alignment;  // room for the pointer
  };
  struct destroy_segment {
    void operator()(segment* s) const noexcept { segment::destroy(s); }
  };
  using segment_ptr = std::unique_ptr<segment, destroy_segment>;

  [[nodiscard]] segment_ptr obtain(std::uint32_t lap) {
    if (segment_ptr kept{spare_.exchange(nullptr, std::memory_order_acquire)}) {  // SYNC (h)
      return kept;
    }
    return segment_ptr(segment::make(lap));
  }

  /// As whoever claimed the last slot of a lap.
  void link(segment& s, segment* next, detail::cursor at) noexcept {
    s.next.store(next, std::memory_order_relaxed);  // for the consumer, by that slot's SYNC (a)
    last_.store(next, std::memory_order_release);   // SYNC (g): the claim that came before
    // Adds, and does not store: the ring may be closed meanwhile. SYNC (g): the segment
    tail_.fetch_add(detail::cursor::start_of(at.lap() + 1).bits - at.next_index().bits,
                    std::memory_order_release);
  }

  [[nodiscard]] slot& at_head() noexcept { return first_->slots()[head_.index()]; }

  /// Past the slot at the head, whose T is gone. Words stay as they are: their lap does not come
  /// again.
  void step() noexcept {
    const std::uint32_t slots = slots_in(head_.lap());
    head_ = head_.next(slots);
    if (head_.index() == 0) {
      leave_segment(slots);
    }
  }
  [[gnu::noinline]] void leave_segment(std::uint32_t slots) noexcept {
    segment* const drained = first_;
    first_ = first_->next.load(std::memory_order_relaxed);
    if (slots == Longest) {
      segment::destroy(spare_.exchange(drained, std::memory_order_acq_rel));  // SYNC (h)
    } else {
      release(drained);
    }
  }
  [[gnu::noinline]] bool ready_past_pads() noexcept {
    do {
      step();
    } while (at_head().load() == slot::marked(detail::state::pad, head_.lap()));
    return ready();
  }
  void release(segment* s) noexcept {
    if (static_cast<void*>(s) != first_place_) {
      segment::destroy(s);
    }
  }

  alignas(A::apart) typename A::template atomic<std::uint64_t> tail_;
  typename A::template atomic<segment*> last_;
  typename A::template atomic<segment*> spare_;  // seldom touched by either side
  alignas(A::apart) detail::cursor head_ = start;
  segment* first_;
  alignas(segment::alignment) std::byte first_place_[segment::size(Shortest)];  // the first segment
};

}  // namespace millrace
