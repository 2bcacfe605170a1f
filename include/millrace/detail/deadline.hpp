// Deadlines: points of the steady clock, which nobody sets.
#pragma once

#include <chrono>

namespace millrace::detail {

using steady_time = std::chrono::steady_clock::time_point;

inline constexpr steady_time never = steady_time::max();

/// When a call that may wait for `time` gives up; never, when that is too far away to count.
[[nodiscard]] inline steady_time deadline_after(std::chrono::nanoseconds time) noexcept {
  if (time == std::chrono::nanoseconds::max()) {
    return never;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto most = never - now;
  return time >= most ? never : now + time;
}

}  // namespace millrace::detail
