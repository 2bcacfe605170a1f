#include <millrace/box/detail/alarm.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace millrace::detail {

/// All that are set, by time, and the thread that rings them.
class alarm_clock {
 public:
  static alarm_clock& instance() {
    static alarm_clock clock;
    return clock;
  }
  ~alarm_clock() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  void set(alarm& a, steady_time time) {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
      thread_ = std::thread([this] { run(); });
    }
    if (time < a.time_.load(std::memory_order_relaxed)) {
      const auto it = alarms_.emplace(time, &a);
      erase(a);
      a.time_.store(time, std::memory_order_release);
      if (it == alarms_.begin()) {
        changed_.notify_all();
      }
    }
  }
  void forget(alarm& a) {
    std::unique_lock lock(mutex_);
    erase(a);
    rung_.wait(lock, [&] { return ringing_ != &a; });
  }

 private:
  alarm_clock() = default;

  /// The one that a.time_ tells of.
  void erase(const alarm& a) {
    const auto [begin, end] = alarms_.equal_range(a.time_.load(std::memory_order_relaxed));
    for (auto i = begin; i != end; ++i) {
      if (i->second == &a) {
        alarms_.erase(i);
        return;
      }
    }
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      if (alarms_.empty()) {
        changed_.wait(lock);
      } else if (const auto [time, a] = *alarms_.begin(); std::chrono::steady_clock::now() < time) {
        changed_.wait_until(lock, time);
      } else {
        alarms_.erase(alarms_.begin());
        a->time_.store(never, std::memory_order_release);
        ringing_ = a;
        lock.unlock();
        a->ring_(a->who_);
        lock.lock();
        ringing_ = nullptr;
        rung_.notify_all();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable rung_;
  std::multimap<steady_time, alarm*> alarms_;
  const alarm* ringing_ = nullptr;
  bool ending_ = false;
  std::thread thread_;
};

// The clock is made no later than the first alarm, so that it outlives those of static boxes.
alarm::alarm(void (*ring)(void*) noexcept, void* who) noexcept : ring_(ring), who_(who) {
  (void)alarm_clock::instance();
}

bool alarm::set_earlier(steady_time time) noexcept {
  try {
    alarm_clock::instance().set(*this, time);
  } catch (...) {
    return false;
  }
  was_set_.store(true, std::memory_order_relaxed);
  return true;
}

alarm::~alarm() {
  if (was_set_.load(std::memory_order_relaxed)) {
    alarm_clock::instance().forget(*this);
  }
}

}  // namespace millrace::detail
