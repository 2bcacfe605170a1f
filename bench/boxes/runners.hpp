// What coroutines run on.
#pragma once

#include <cstddef>
#include <memory>

#include <boost/asio/thread_pool.hpp>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/scheduler.hpp>

namespace bench {

/// So many threads of Boost.Asio.
class coroutine_runner {
 public:
  explicit coroutine_runner(std::size_t threads)
      : pool_(std::make_unique<boost::asio::thread_pool>(threads)),
        where_(millrace::asio_executor(pool_->get_executor())) {}

  [[nodiscard]] const millrace::scheduler& where() const noexcept { return where_; }

 private:
  std::unique_ptr<boost::asio::thread_pool> pool_;
  millrace::scheduler where_;
};

struct named_runner {
  const char* name;
  std::size_t threads;
};
inline constexpr named_runner runners[] = {{"coroutines_1", 1}, {"coroutines_2", 2}};

}  // namespace bench
