// Starting a worker again and again.
#include "pool/keeper.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <millrace/core/error.hpp>

namespace millrace::detail {

namespace {

using namespace std::chrono_literals;

/// How often it is asked whether the worker holds its lease.
constexpr std::chrono::milliseconds between_looks = 100ms;

}  // namespace

keeper::keeper(lane& served, worker_start how, restart_policy policy)
    : lane_(served), how_(std::move(how)), policy_(policy) {
  std::promise<void> started;
  auto first = started.get_future();
  thread_ = std::jthread([this, started = std::move(started)](const std::stop_token& stop) mutable {
    run(stop, started);
  });
  first.get();
}

void keeper::run(const std::stop_token& stop, std::promise<void>& started) {
  std::unique_ptr<os::child_process> child;
  try {
    child = start();
    started.set_value();
  } catch (...) {
    started.set_exception(std::current_exception());
    return;
  }
  const auto end = [this] {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  };
  unsigned in_a_row = 0;
  for (auto next_pause = policy_.first_pause;;) {
    if (child != nullptr) {
      attend(*child, stop);
      child.reset();
    }
    process_ = 0;
    if (pause(0ns, stop)) {
      return end();
    }
    ++deaths_;
    if (lane_.take_answered()) {
      in_a_row = 0;
      next_pause = policy_.first_pause;
    }
    if (++in_a_row > policy_.limit || lane_.failed()) {
      given_up_ = true;
      lane_.fail(reply_outcome::died);
      return end();
    }
    if (pause(next_pause, stop)) {
      return end();
    }
    next_pause = std::min(2 * next_pause, policy_.longest_pause);
    try {
      child = start();
    } catch (const std::exception&) {  // counts as one that died at once
    }
  }
}

std::unique_ptr<os::child_process> keeper::start() {
  if (how_.processor && !os::pin_this_thread(*how_.processor)) {
    throw error(errc::invalid_option,
                fmt::format("process_pool: cannot bind a worker to processor {}", *how_.processor));
  }
  auto child = std::make_unique<os::child_process>(how_.program, how_.arguments);
  process_ = child->number();
  return child;
}

/// Until nobody serves the lane any more. The lease says who does: a program that only starts the
/// one that serves may end before it; one that has stopped serving may go on for ever.
void keeper::attend(os::child_process& child, const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&child] { child.kill(); });
  bool served = false;
  while (!child.ended_within(between_looks)) {
    const bool still = lane_.served();
    if (((served && !still) || lane_.failed()) && !pause(0ns, stop)) {
      child.kill();
    }
    served = still;
    lane_.take_in();
  }
  while (lane_.served() && !pause(between_looks, stop)) {
    lane_.take_in();
  }
}

/// True: at its end, or before, there was no more reason to go on.
bool keeper::pause(std::chrono::nanoseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, stop, time, [this] { return retired_; }) || stop.stop_requested();
}

void keeper::retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
  changed_.notify_all();
}

status keeper::wait(steady_time deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_until(lock, stop, deadline, [this] { return over_; })) {
    return status::ok;
  }
  return stop.stop_requested() ? status::cancelled : status::timeout;
}

worker_info keeper::info() const {
  return {.process = process_, .deaths = deaths_, .given_up = given_up_};
}

}  // namespace millrace::detail
