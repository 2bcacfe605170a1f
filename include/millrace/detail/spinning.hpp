// The cheap part of waiting: to try again for a few microseconds, then to let others run.
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <thread>

#include <millrace/detail/atomics.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace::detail {

/// Lets others run. False: they took so long that they must need the processor, and it is time to
/// sleep. Who is woken from sleep soon has it back; who yields again gives them all of their time
/// once more, be they as unimportant as they may, and milliseconds each time.
[[nodiscard]] inline bool yield_briefly(steady_time& now) {
  constexpr auto long_for_a_yield = std::chrono::microseconds(50);
  const steady_time before = now;
  std::this_thread::yield();
  now = std::chrono::steady_clock::now();
  return now - before < long_for_a_yield;
}

/// Calls `done` until it is true, for as long as `time`, and then between a few yields. False: it
/// never was, or the deadline or a stop came first; time to sleep.
template <class Done>
[[nodiscard]] bool spin_until(Done done, std::chrono::nanoseconds time, steady_time deadline,
                              const std::stop_token& stop) {
  constexpr int attempts_between_clocks = 16;
  constexpr int yields = 16;
  if (time <= std::chrono::nanoseconds::zero()) {
    return false;
  }
  const steady_time end = std::min(deadline, deadline_after(time));
  steady_time now = std::chrono::steady_clock::now();
  while (now < end && !stop.stop_requested()) {
    for (int i = 0; i < attempts_between_clocks; ++i) {
      native_atomics::pause();
      if (done()) {
        return true;
      }
    }
    now = std::chrono::steady_clock::now();
  }
  for (int i = 0; i < yields && now < deadline && !stop.stop_requested(); ++i) {
    const bool go_on = yield_briefly(now);
    if (done()) {
      return true;
    }
    if (!go_on) {
      break;
    }
  }
  return false;
}

/// Before a sleep: looks for as long as a short answer takes. True: `done` was true. Lets others
/// run between the looks, as whoever is waited for may well need this processor: a pool is busy on
/// as many threads as there are processors, and its caller waits.
template <class Done>
[[nodiscard]] bool yield_until(Done done) {
  constexpr int yields = 60;
  constexpr int looks_between = 8;
  steady_time now = std::chrono::steady_clock::now();
  bool go_on = true;
  for (int i = 0; i < yields && go_on; ++i) {
    for (int k = 0; k < looks_between; ++k) {
      native_atomics::pause();
      if (done()) {
        return true;
      }
    }
    go_on = yield_briefly(now);
  }
  return done();
}

}  // namespace millrace::detail
