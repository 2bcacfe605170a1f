// An alarm for those who wait without a thread of their own that could sleep with a time-out. All
// alarms of the process ring on one thread, which is started when the first one is set.
#pragma once

#include <atomic>

#include <millrace/detail/deadline.hpp>

namespace millrace::detail {

class alarm {
 public:
  /// `ring(who)` must not destroy the alarm, wait, or throw.
  alarm(void (*ring)(void* who) noexcept, void* who) noexcept;
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;
  /// If it is ringing, waits until that is over.
  ~alarm();

  /// Rings once at `time`, or earlier if that was asked for; then it is as if never set. Cheap if
  /// set to an earlier time already. False: it will not, for want of memory or of a thread. `time`
  /// may be never. Thread-safe.
  [[nodiscard]] bool set(steady_time time) noexcept {
    return time >= time_.load(std::memory_order_acquire) || set_earlier(time);
  }

 private:
  friend class alarm_clock;
  [[nodiscard]] bool set_earlier(steady_time time) noexcept;

  void (*const ring_)(void*) noexcept;
  void* const who_;
  std::atomic<steady_time> time_{never};  // never: not set. Written by the alarm clock
  std::atomic<bool> was_set_{false};
};

}  // namespace millrace::detail
