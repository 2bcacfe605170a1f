// Runs coroutines that use boxes on Boost.Asio: a thread_pool, an io_context, a strand. Needs
// Boost, and is not part of millrace.hpp.
//
//   boost::asio::thread_pool pool(2);
//   const millrace::scheduler on_pool = millrace::asio_executor(pool.get_executor());
#pragma once

#include <utility>

#include <boost/asio/post.hpp>

namespace millrace {

template <class Executor>
class asio_executor {
 public:
  explicit asio_executor(Executor executor) noexcept : executor_(std::move(executor)) {}

  template <class F>
  void post(F f) const {
    boost::asio::post(executor_, std::move(f));
  }

 private:
  Executor executor_;
};

}  // namespace millrace
