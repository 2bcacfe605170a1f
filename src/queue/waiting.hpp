// Waiting for the queue to change, and telling those who wait: spin, yield, then sleep on the
// queue's semaphore in slices. doorbell.hpp says why nobody sleeps through a change.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

#include <millrace/core/status.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/detail/spinning.hpp>

#include "os/membarrier.hpp"
#include "os/named_semaphore.hpp"
#include "queue/layout.hpp"
#include "queue/participant.hpp"

namespace millrace::detail {

/// No sleep is longer, whatever happens to whoever should have ended it. Ten wake-ups a second.
inline constexpr std::chrono::nanoseconds sleep_slice = std::chrono::milliseconds(100);

/// Where one side of a queue sleeps.
struct bedroom {
  doorbell<native_atomics>& bell;
  os::named_semaphore& semaphore;
  /// Whether those who ring the bell do so after a plain store, so that sleepers fence for them.
  bool fence_for_ringers;

  /// Wakes up to `n` sleepers, as far as there are any.
  void wake(std::uint32_t n) const noexcept {
    for (; n != 0 && bell.take_one(); --n) {
      semaphore.post();
    }
  }
};

inline bedroom subscribers_of(const participant& self) noexcept {
  return {self.head().not_empty, self.not_empty(), self.queue().publishers() == role::exclusive};
}
inline bedroom publishers_of(const participant& self) noexcept {
  return {self.head().not_full, self.not_full(), self.queue().subscribers() == role::exclusive};
}

/// A sleeper's announcement, from before its last look to its waking up, however that ends.
class announcement {
 public:
  announcement(const bedroom& room, participant_record& mine) noexcept : room_(room), mine_(mine) {
    mine_.asleep.store(1, std::memory_order_relaxed);  // for whoever cleans up after a kill
    room_.bell.announce();
    if (room_.fence_for_ringers) {
      os::fence_all_processes();  // SYNC (f)
    } else {
      os::fence_here();
    }
  }
  announcement(const announcement&) = delete;
  announcement& operator=(const announcement&) = delete;
  ~announcement() {
    // A permit came with the announcement's end. Without one, take the announcement back; if
    // somebody was quicker, a permit is there or about to come.
    if (!woken_ && !room_.bell.withdraw()) {
      (void)room_.semaphore.try_wait();
    }
    mine_.asleep.store(0, std::memory_order_relaxed);
  }

  /// False: nobody woke it.
  bool sleep_until(steady_time end) noexcept { return woken_ = room_.semaphore.wait_until(end); }

 private:
  const bedroom& room_;
  participant_record& mine_;
  bool woken_ = false;
};

/// After messages were committed or came back: one sleeper for each.
[[gnu::noinline]] inline void wake_subscribers(const participant& self,
                                               std::uint32_t messages) noexcept {
  if (self.head().not_empty.anybody()) {
    subscribers_of(self).wake(messages);
  }
}

/// After slots came free: everybody, since the room that one of them waits for may not be what came
/// free, and it would have woken in vain for another who could have used it.
[[gnu::noinline]] inline void wake_publishers(const participant& self) noexcept {
  if (self.head().not_full.anybody()) {
    publishers_of(self).wake(table_size);
  }
}

/// Calls `attempt` until it answers something else than full or empty, or time is up or a stop is
/// asked for. `nap()` says how long the next sleep may be at most; `idle()` is called after a sleep
/// that nobody ended.
template <class Attempt, class Nap, class Idle>
[[nodiscard]] status wait(bedroom room, participant_record& mine, steady_time deadline,
                          const std::stop_token& stop, std::chrono::nanoseconds spin,
                          Attempt attempt, Nap nap, Idle idle) {
  const auto waiting = [](status s) { return s == status::full || s == status::empty; };

  status s = attempt();
  if (!waiting(s)) {
    return s;
  }
  steady_time now = std::chrono::steady_clock::now();
  if (now >= deadline) {
    return status::timeout;
  }
  const auto answered = [&] { return !waiting(s = attempt()); };
  if (spin_until(answered, spin, deadline, stop)) {
    return s;
  }
  // Wakes everybody, as a permit cannot be addressed; the others go back to sleep.
  const auto wake_all = [room] { room.wake(table_size); };
  std::optional<std::stop_callback<decltype(wake_all)>> on_stop;
  if (stop.stop_possible()) {
    on_stop.emplace(stop, wake_all);
  }
  for (;;) {
    bool woken = false;
    {
      announcement announced(room, mine);
      if (s = attempt(); !waiting(s)) {
        return s;
      }
      if (stop.stop_requested()) {
        return status::cancelled;
      }
      now = std::chrono::steady_clock::now();
      if (now >= deadline) {
        return status::timeout;
      }
      const auto longest = std::min<std::chrono::nanoseconds>(sleep_slice, nap());
      woken = announced.sleep_until(std::min(deadline, now + longest));
    }
    if (!woken) {
      idle();
    }
    if (s = attempt(); !waiting(s)) {
      return s;
    }
  }
}

}  // namespace millrace::detail
