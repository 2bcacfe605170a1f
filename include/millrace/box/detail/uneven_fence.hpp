// A pair of fences of which the frequent side's is free.
//
// Two sides each write, then read what the other wrote; at least one must see the other. Both need
// a full fence between their write and their read, unless the rare side can make all threads pass
// one: then the frequent side must only keep the compiler from exchanging the two. Where the system
// refuses that, both fence. So do they where the other side is not rare.
#pragma once

#include <atomic>

namespace millrace::detail {

/// One for each pair of sides; cheap to make. Thread-safe.
class uneven_fence {
 public:
  uneven_fence() noexcept;

  /// Between write and read of the side that does this all the time.
  void often() const noexcept {
    if (reaches_all_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      here();
    }
  }
  /// Between write and read of the side that is about to sleep. Microseconds.
  static void seldom() noexcept;

 private:
  friend class even_fence;
  static void here() noexcept;

  const bool reaches_all_;
};

/// The same where both sides fence: nanoseconds each.
class even_fence {
 public:
  static void often() noexcept { uneven_fence::here(); }
  static void seldom() noexcept { uneven_fence::here(); }
};

}  // namespace millrace::detail
