// What a producer remembers of a queue's tail. Reading the tail just after having moved it takes
// long, some ten nanoseconds for each message, as a processor cannot look into its own locked
// operation. So one that finds that nobody else moves the tail goes on from where it left it. A
// guess does no harm: the exchange that claims a place fails if it is wrong.
#pragma once

#include <atomic>

#include <millrace/detail/cursor.hpp>

namespace millrace::detail {

/// One for each producer and queue. Thread-safety: of one thread at a time.
class tail_guess {
 public:
  /// The tail, at this time or before.
  template <class Atomic>
  [[nodiscard]] cursor of(const Atomic& tail) const noexcept {
    return alone_ ? next_ : cursor{tail.load(std::memory_order_acquire)};
  }
  /// The tail was moved from one to the other.
  void moved(cursor from, cursor to) noexcept {
    alone_ = from.bits == next_.bits;
    next_ = to;
  }

 private:
  cursor next_;
  bool alone_ = false;
};

}  // namespace millrace::detail
