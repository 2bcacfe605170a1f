// What one writes by hand: threads, a mutex and a condition variable over a list of workers that
// have messages; each worker a queue under a mutex of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bench {

template <class Message, class Handle>
class mutex_pool {
 public:
  mutex_pool(std::size_t threads, Handle handle) : handle_(std::move(handle)) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }
  mutex_pool(const mutex_pool&) = delete;
  mutex_pool& operator=(const mutex_pool&) = delete;
  ~mutex_pool() { finish(); }

  void start(int key) {
    const std::lock_guard lock(workers_mutex_);
    workers_.emplace(key, std::make_shared<worker>(key));
  }
  void send(int key, Message&& m) {
    const std::lock_guard lock(workers_mutex_);
    const auto it = workers_.find(key);
    if (it == workers_.end()) {
      return;
    }
    worker& w = *it->second;
    const std::lock_guard worker_lock(w.mutex);
    w.messages.push_back(std::move(m));
    if (!std::exchange(w.listed, true)) {
      list(it->second);
    }
  }
  void stop(int key) {
    const std::lock_guard lock(workers_mutex_);
    workers_.erase(key);
  }
  void finish() {
    {
      const std::lock_guard lock(ready_mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    threads_.clear();
  }

 private:
  struct worker {
    explicit worker(int k) : key(k) {}
    const int key;
    std::mutex mutex;
    std::deque<Message> messages;
    bool listed = false;
  };

  void list(std::shared_ptr<worker> w) {
    {
      const std::lock_guard lock(ready_mutex_);
      ready_.push_back(std::move(w));
    }
    changed_.notify_one();
  }
  void work() {
    for (;;) {
      std::unique_lock lock(ready_mutex_);
      changed_.wait(lock, [this] { return ending_ || !ready_.empty(); });
      if (ready_.empty()) {
        return;
      }
      const auto w = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      serve(*w);
    }
  }
  void serve(worker& w) {
    std::unique_lock lock(w.mutex);
    while (!w.messages.empty()) {
      Message m = std::move(w.messages.front());
      w.messages.pop_front();
      lock.unlock();
      handle_(w.key, std::move(m));
      lock.lock();
    }
    w.listed = false;
  }

  Handle handle_;
  std::mutex workers_mutex_;
  std::unordered_map<int, std::shared_ptr<worker>> workers_;
  std::mutex ready_mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<worker>> ready_;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bench
