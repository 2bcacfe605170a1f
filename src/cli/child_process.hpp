// A piece of work in a forked process.
#pragma once

#include <functional>

namespace millrace::cli {

/// Killed, if it still runs, when this object ends or its parent dies.
///
/// REQUIRES: made before this process opens a queue or starts a thread. Signals from the terminal
/// do not reach the child; its parent decides what they mean.
class child_process {
 public:
  /// Runs `work`; what it throws is said on standard error and makes the child fail.
  explicit child_process(const std::function<void()>& work);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] bool failed();

 private:
  int id_;
  bool running_ = true;
  bool failed_ = false;
};

[[nodiscard]] int own_process_id();

}  // namespace millrace::cli
