// Waking those who sleep until the queue changes, without a system call when nobody does.
//
// A sleeper announces itself, looks once more, then sleeps on a semaphore. Whoever changes the
// queue does so first and then looks whether anybody is announced. Each side writes, then reads
// what the other wrote; at least one of them sees the other only if neither's read overtakes its
// write (SYNC (f)). The sleeper always pays for that with a full fence. Those who change the queue
// by a sequentially consistent exchange have paid already; those who do it by a plain store rely on
// the sleeper's fence reaching into every process (src/os/membarrier.hpp), or pay with a fence of
// their own where the system has no such thing.
//
// A permit of the semaphore is a hint to look again, never a count of messages. Whoever posts one
// has taken one announcement away before; one killed in between costs a sleeper the rest of its
// slice, no more, since every sleep has an end.
//
// Announcements, posts owed and permits are together as many as those who sleep; each step above
// keeps it so. Two things do not, since an announcement has no name on it: a poster that dies owing
// takes one away, which costs a sleeper its slice; a sleeper whose slice ends when its announcement
// is taken and its permit has not come yet, or that dies when it was woken, leaves one too many.
// The next one to sleep then wakes in vain, once, and leaves that one too many as an announcement,
// which the next poster turns into a permit again. Such ones do not add up with time: whoever
// finds an announcement to withdraw, be it not its own, leaves none. So there are, deaths aside,
// never more than there were posters and sleepers at one moment.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::detail {

template <class A>
struct doorbell {
  alignas(64) typename A::template atomic<std::uint32_t> sleepers;

  void announce() noexcept { sleepers.fetch_add(1, std::memory_order_seq_cst); }

  /// After a sleep that nobody ended, or none at all. False: somebody took the announcement away,
  /// so a permit is there or about to come.
  bool withdraw() noexcept { return take_one(); }

  [[nodiscard]] bool anybody() const noexcept {
    return sleepers.load(std::memory_order_seq_cst) != 0;
  }

  /// Takes one announcement; true: the caller owes the semaphore one post.
  bool take_one() noexcept {
    std::uint32_t n = sleepers.load(std::memory_order_relaxed);
    while (n != 0 && !sleepers.compare_exchange_weak(n, n - 1, std::memory_order_seq_cst,
                                                     std::memory_order_relaxed)) {
    }
    return n != 0;
  }
};

}  // namespace millrace::detail
