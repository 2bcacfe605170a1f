// Threads that end when they like. Each is joined by the next one that ends, so that those that
// have ended do not pile up; the last one by join().
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace millrace::detail {

/// Thread-safe.
class thread_chain {
 public:
  /// Starts a thread that calls work(), then at_end(), after which it does not touch the chain any
  /// more. Throws std::system_error and std::bad_alloc, and then calls neither.
  template <class Work, class AtEnd>
  void start(Work work, AtEnd at_end) {
    auto self = std::make_shared<std::thread>();
    const std::lock_guard lock(mutex_);  // so that the thread finds itself there
    *self = std::thread([this, self, work = std::move(work), at_end = std::move(at_end)]() mutable {
      work();
      follow_as(self);
      at_end();
    });
  }
  /// REQUIRES: at_end was called, or is about to be left, for all that were started.
  void join() { follow({}); }

 private:
  /// Takes the place of whoever ended last, and waits for that one.
  void follow(std::thread me) {
    std::thread last;
    {
      const std::lock_guard lock(mutex_);
      last = std::exchange(last_, std::move(me));
    }
    if (last.joinable()) {
      last.join();
    }
  }
  void follow_as(const std::shared_ptr<std::thread>& self) {
    std::unique_lock lock(mutex_);  // SYNC: with start, which has stored the thread
    std::thread me = std::move(*self);
    lock.unlock();
    follow(std::move(me));
  }

  std::mutex mutex_;
  std::thread last_;
};

}  // namespace millrace::detail
