// What one writes without a library: a deque, a mutex and a condition variable.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "peer.hpp"

namespace bench {

template <class T>
class mutex_deque {
 public:
  using value_type = T;
  static constexpr const char* name = "mutex_deque";

  class sender {
   public:
    explicit sender(mutex_deque& to) : to_(to) {}
    void send(T&& message) {
      {
        const std::lock_guard lock(to_.mutex_);
        to_.messages_.push_back(std::move(message));
      }
      to_.arrived_.notify_one();
    }

   private:
    mutex_deque& to_;
  };

  template <class Use>
  void receive(Use use) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !messages_.empty(); });
    T message = std::move(messages_.front());
    messages_.pop_front();
    lock.unlock();
    use(message);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<T> messages_;
};

}  // namespace bench
