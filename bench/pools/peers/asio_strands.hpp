// What one does with Boost.Asio alone: a strand for each key, and a message is a job posted to it.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

namespace bench {

template <class Message, class Handle>
class asio_strands {
 public:
  asio_strands(std::size_t threads, Handle handle)
      : threads_(threads), handle_(std::move(handle)) {}

  void start(int key) {
    const std::lock_guard lock(mutex_);
    strands_.emplace(key, boost::asio::make_strand(threads_.get_executor()));
  }
  void send(int key, Message&& m) {
    const std::lock_guard lock(mutex_);
    if (const auto it = strands_.find(key); it != strands_.end()) {
      boost::asio::post(it->second,
                        [this, key, m = std::move(m)]() mutable { handle_(key, std::move(m)); });
    }
  }
  void stop(int key) {
    const std::lock_guard lock(mutex_);
    strands_.erase(key);
  }
  void finish() { threads_.join(); }

 private:
  boost::asio::thread_pool threads_;
  Handle handle_;
  std::mutex mutex_;
  std::unordered_map<int, boost::asio::strand<boost::asio::thread_pool::executor_type>> strands_;
};

}  // namespace bench
