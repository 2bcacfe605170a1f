// How whoever waits for a box is woken, be it a thread or a coroutine, and how a thread sleeps.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include <millrace/core/status.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/detail/spinning.hpp>

namespace millrace::detail {

/// How long a thread spins before it sleeps.
inline constexpr std::chrono::nanoseconds spin_time = std::chrono::microseconds(20);

/// Somebody who waits. Whoever takes a waiter from where it was registered, and only that one,
/// wakes it, once; the waiter must stay until that is done.
struct waiter {
  void (*wake)(waiter&) noexcept;
};

/// Where a thread sleeps. Everything that it may be woken for is a flag under the same mutex.
class parker {
 public:
  void set(bool& flag) noexcept {
    const std::lock_guard lock(mutex_);
    flag = true;
    changed_.notify_one();  // under the lock: after it the sleeper may be gone
  }
  /// Sleeps until a condition on the flags holds or the time has come.
  template <class Condition>
  void sleep_until(steady_time deadline, Condition condition) {
    std::unique_lock lock(mutex_);
    if (deadline == never) {
      changed_.wait(lock, condition);
    } else {
      changed_.wait_until(lock, deadline, condition);
    }
  }
  [[nodiscard]] bool is_set(const bool& flag) {
    const std::lock_guard lock(mutex_);
    return flag;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// A thread as a waiter.
class parked_thread : public waiter {
 public:
  explicit parked_thread(parker& where) noexcept
      : waiter{[](waiter& w) noexcept {
          auto& self = static_cast<parked_thread&>(w);
          self.where_.set(self.woken_);
        }},
        where_(where) {}

  /// Under its parker's mutex.
  [[nodiscard]] bool woken() const noexcept { return woken_; }
  /// After somebody took it: waits for the waking to be over.
  void await_wake() {
    where_.sleep_until(never, [this] { return woken_; });
  }

 private:
  parker& where_;
  bool woken_ = false;
};

/// Ends a sleep when a stop is asked for.
class stop_watch {
 public:
  stop_watch(const std::stop_token& stop, parker& where)
      : where_(where), callback_(stop, setter{*this}) {}
  [[nodiscard]] const bool& stopped() const noexcept { return stopped_; }

 private:
  struct setter {
    stop_watch& self;
    void operator()() const noexcept { self.where_.set(self.stopped_); }
  };
  parker& where_;
  bool stopped_ = false;
  std::stop_callback<setter> callback_;
};

/// A thread that waits at one box or several. Calls `attempt` until it does not say empty, or time
/// is up or a stop is asked for. `announce(bed)` makes an object that is announced at the boxes for
/// as long as it lives, and says whether it was woken().
template <class Attempt, class Announce>
status await(Attempt attempt, Announce announce, steady_time deadline,
             const std::stop_token& stop) {
  status s = attempt();
  if (s != status::empty) {
    return s;
  }
  const auto answered = [&] { return (s = attempt()) != status::empty; };
  if (spin_until(answered, spin_time, deadline, stop)) {
    return s;
  }
  parker bed;
  const stop_watch watch(stop, bed);
  for (;;) {
    {
      const auto announced = announce(bed);
      if (answered()) {
        return s;
      }
      if (bed.is_set(watch.stopped())) {
        return status::cancelled;
      }
      if (std::chrono::steady_clock::now() >= deadline) {
        return status::timeout;
      }
      bed.sleep_until(deadline, [&] { return announced.woken() || watch.stopped(); });
    }
    if (answered()) {
      return s;
    }
  }
}

}  // namespace millrace::detail
