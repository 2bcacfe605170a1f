// Time, and how to wait for something without sleeping.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include <sched.h>

namespace bench {

/// Nanoseconds on the steady clock, which all processes of a machine share.
inline std::int64_t now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The pauses of a waiting process before it gives its CPU to another one: many when each process
/// has a CPU for itself.
inline unsigned patience(unsigned processes, bool has_threads) {
  return !has_threads && processes <= std::thread::hardware_concurrency() ? 10'000 : 16;
}

/// Spins, and gives the CPU away now and then in case whom it waits for has none.
class spinner {
 public:
  explicit spinner(unsigned patience) noexcept : patience_(patience) {}

  void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
    if (++pauses_ == patience_) {
      pauses_ = 0;
      sched_yield();
    }
  }

 private:
  unsigned patience_;
  unsigned pauses_ = 0;
};

}  // namespace bench
