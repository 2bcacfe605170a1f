// How whoever waits for a box is woken, be it a thread or a coroutine, and how a thread sleeps.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include <millrace/detail/deadline.hpp>

namespace millrace::detail {

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
  /// Sleeps until one of the flags is set or the time has come.
  template <class... Flags>
  void sleep_until(steady_time deadline, const Flags&... flags) {
    std::unique_lock lock(mutex_);
    const auto any = [&] { return (flags || ...); };
    if (deadline == never) {
      changed_.wait(lock, any);
    } else {
      changed_.wait_until(lock, deadline, any);
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

  [[nodiscard]] const bool& woken() const noexcept { return woken_; }
  /// After somebody took it: waits for the waking to be over.
  void await_wake() { where_.sleep_until(never, woken_); }

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

}  // namespace millrace::detail
