// SIGINT, SIGTERM and SIGHUP as a stop_token, so that a verb can end in good order.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace millrace::cli {

/// While it lives, the first such signal requests a stop and then keeps interrupting whatever
/// system call the constructing thread sleeps in, until that thread has noticed; a second one kills
/// the process as usual. Signals that were ignored when the command started (nohup, a shell's
/// background job) stay ignored.
///
/// REQUIRES: constructed by the main thread before other threads start.
class interruption {
 public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  [[nodiscard]] bool requested() const { return stop_.stop_requested(); }

 private:
  std::stop_source stop_;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

/// A write to a pipe that nobody reads then fails instead of killing the process, so that messages
/// in hand can be given back.
void ignore_closed_pipes();

}  // namespace millrace::cli
