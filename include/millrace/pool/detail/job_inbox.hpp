// Where one thread gets its work: any number of others push jobs, linked through themselves, so
// that nothing is allocated; it takes all there are at once.
//
//   push      links the job to the newest one and puts it in that one's place
//   take      takes the newest one away, with all that it is linked to, and turns their order
//   asleep    stands in the newest one's place while the thread sleeps: whoever replaces it, and
//             nobody else, wakes the thread. So a batch of jobs wakes it once.
//   closed    stands there for good
//
// SYNC (a): push's compare-exchange releases the job, take's exchange acquires it. A push before it
// is acquired as well, since each replaces what the one before it put there.
#pragma once

#include <atomic>
#include <utility>

#include <millrace/detail/spinning.hpp>
#include <millrace/pool/detail/sleeper.hpp>

namespace millrace::detail {

struct job_link {
  job_link* next = nullptr;
};

/// Thread-safety: push from any thread; the others from one.
class job_inbox {
 public:
  job_inbox() = default;
  job_inbox(const job_inbox&) = delete;
  job_inbox& operator=(const job_inbox&) = delete;

  /// False: closed; the job stays the caller's.
  [[nodiscard]] bool push(job_link& job) noexcept {
    job_link* newest = newest_.load(std::memory_order_relaxed);
    do {
      if (newest == &closed) {
        return false;
      }
      job.next = newest == &asleep ? nullptr : newest;
    } while (!newest_.compare_exchange_weak(newest, &job, std::memory_order_release,  // SYNC (a)
                                            std::memory_order_relaxed));
    if (newest == &asleep) {
      sleeper_.wake();
    }
    return true;
  }

  /// Waits until there are any; the oldest one, linked to the others.
  [[nodiscard]] job_link* take() {
    const auto any = [this] { return newest_.load(std::memory_order_relaxed) != nullptr; };
    if (!any() && !yield_until(any)) {
      job_link* none = nullptr;
      if (newest_.compare_exchange_strong(none, &asleep, std::memory_order_relaxed)) {
        sleeper_.sleep();
      }
    }
    return exchange(nullptr);
  }

  /// From now on nothing can be pushed. What was and has not been taken.
  [[nodiscard]] job_link* close() noexcept { return exchange(&closed); }

 private:
  [[nodiscard]] job_link* exchange(job_link* mark) noexcept {
    job_link* newest = newest_.exchange(mark, std::memory_order_acquire);  // SYNC (a)
    job_link* oldest = nullptr;
    while (newest != nullptr) {
      oldest = std::exchange(newest, std::exchange(newest->next, oldest));
    }
    return oldest;
  }

  static inline job_link asleep;
  static inline job_link closed;

  alignas(64) std::atomic<job_link*> newest_ = nullptr;
  alignas(64) sleeper sleeper_;
};

}  // namespace millrace::detail
