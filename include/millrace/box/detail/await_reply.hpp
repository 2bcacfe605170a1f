// Waiting for a slot to be settled, as a thread.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include <millrace/box/detail/parking.hpp>
#include <millrace/box/detail/reply_slot.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/detail/spinning.hpp>

namespace millrace::detail {

/// About as long as it takes to put a thread to sleep and wake it up again.
inline constexpr std::chrono::nanoseconds reply_spin = std::chrono::microseconds(10);

/// Spins for a moment, then sleeps. False: no outcome until the deadline or a stop.
template <class R>
[[nodiscard]] bool await_settled(reply_slot<R>& slot, steady_time deadline,
                                 const std::stop_token& stop) {
  const auto settled = [&slot] { return slot.is_settled(); };
  if (settled() || spin_until(settled, reply_spin, deadline, stop)) {
    return true;
  }
  parker bed;
  parked_thread sleeper(bed);
  if (!slot.wait_by(sleeper)) {
    return true;
  }
  {
    const stop_watch watch(stop, bed);
    bed.sleep_until(deadline, [&] { return sleeper.woken() || watch.stopped(); });
  }
  if (slot.stop_waiting(sleeper)) {
    return false;
  }
  sleeper.await_wake();
  return true;
}

}  // namespace millrace::detail
