// A pair of fences of which the frequent side's is free.
//
// Two sides each write, then read what the other wrote; at least one must see the other. Both need
// a full fence between their write and their read, unless the rare side can make all threads pass
// one: then the frequent side must only keep the compiler from exchanging the two. Where the system
// refuses that, or the other side is not rare, both fence.
#pragma once

#include <atomic>

namespace millrace::detail {

/// Both sides' fences are to cost the same: a few nanoseconds.
struct even_fences_t {};
inline constexpr even_fences_t even_fences;

/// One for each pair of sides; cheap to make. Thread-safe.
class uneven_fence {
 public:
  uneven_fence() noexcept;
  explicit uneven_fence(even_fences_t /*unused*/) noexcept : reaches_all_(false) {}

  /// Between write and read of the side that does this all the time.
  void often() const noexcept {
    if (reaches_all_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      here();
    }
  }
  /// Between write and read of the side that is about to sleep. Microseconds, unless even.
  void seldom() const noexcept;

 private:
  static void here() noexcept;

  const bool reaches_all_;
};

}  // namespace millrace::detail
