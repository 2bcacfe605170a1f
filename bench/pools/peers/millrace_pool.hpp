// millrace's worker pool, its workers coroutines on a few threads of Boost.Asio.
#pragma once

#include <cstddef>
#include <stop_token>
#include <utility>

#include <boost/asio/thread_pool.hpp>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

namespace bench {

template <class Message, class Handle>
class millrace_pool {
 public:
  millrace_pool(std::size_t threads, Handle handle)
      : threads_(threads),
        pool_(millrace::asio_executor(threads_.get_executor()),
              [handle](const int& key, const auto& box, std::stop_token) -> millrace::task<> {
                while (auto m = co_await box.receive()) {
                  handle(key, std::move(*m));
                }
              }) {}

  void start(int key) { pool_.initialize(key); }
  void send(int key, Message&& m) { pool_.dispatch(key, std::move(m)); }
  void stop(int key) { pool_.remove(key); }
  /// When all have handled what they were sent.
  void finish() { pool_.stop(); }

 private:
  boost::asio::thread_pool threads_;
  millrace::worker_pool<int, Message> pool_;
};

}  // namespace bench
