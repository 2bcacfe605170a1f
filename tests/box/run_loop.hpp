// An executor whose jobs are done by whoever calls run(): everything in one thread and, as nothing
// else decides the order, the same each time.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace test {

class run_loop {
 public:
  struct executor_type {
    run_loop* loop;
    template <class F>
    void post(F f) const {
      const std::lock_guard lock(loop->mutex_);
      loop->jobs_.emplace_back(std::move(f));
    }
  };
  [[nodiscard]] executor_type executor() noexcept { return {this}; }

  /// Until there is nothing to do.
  void run() {
    for (std::unique_lock lock(mutex_); !jobs_.empty(); lock.lock()) {
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace test
