// Keeps one worker going: starts its process, sees that it ends, starts it again after a pause, and
// gives it up in the end. A thread of its own, which mostly sleeps: what ties a child to its parent
// (os::continue_after_parent), and which processor it is bound to, belong to the thread that starts
// it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <millrace/core/status.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/pool/process_pool.hpp>

#include "os/child_process.hpp"
#include "pool/lane.hpp"

namespace millrace::detail {

/// What it takes to start a worker.
struct worker_start {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::optional<int> processor;
};

class keeper {
 public:
  /// Starts the worker of `served`. Throws if that fails.
  keeper(lane& served, worker_start how, restart_policy policy);
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;
  /// Kills the worker.
  ~keeper() { kill(); }

  /// From now on the worker's end is no death.
  void retire();
  /// Until the worker has ended, and will not be started again.
  status wait(steady_time deadline, const std::stop_token& stop);
  /// Kills the worker, without waiting until it has ended.
  void kill() { thread_.request_stop(); }
  [[nodiscard]] worker_info info() const;

 private:
  void run(const std::stop_token& stop, std::promise<void>& started);
  [[nodiscard]] std::unique_ptr<os::child_process> start();
  void attend(os::child_process& child, const std::stop_token& stop);
  [[nodiscard]] bool pause(std::chrono::nanoseconds time, const std::stop_token& stop);

  lane& lane_;
  const worker_start how_;
  const restart_policy policy_;
  std::atomic<std::uint32_t> process_{0};
  std::atomic<std::uint64_t> deaths_{0};
  std::atomic<bool> given_up_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool retired_ = false;
  bool over_ = false;
  std::jthread thread_;  // last, as it uses the others
};

}  // namespace millrace::detail
