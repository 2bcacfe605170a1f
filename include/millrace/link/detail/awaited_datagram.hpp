// What co_await does with tcp_link::async_receive.
//
// A coroutine that finds no message stands in the link's line, which is guarded by the link's
// mutex. Whoever takes it out has it go on, on its scheduler and after letting go of the mutex: a
// handler when messages have come, a stop, or the link's end. It then looks again, and lines up
// again if another one was quicker. So a message stays with the link until a coroutine takes it
// that is about to go on with it; one that is destroyed or stopped after it was called up has no
// message, but calls up the next one in its place.
#pragma once

#include <coroutine>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>

#include <millrace/box/scheduler.hpp>
#include <millrace/link/datagram.hpp>

namespace millrace::detail {

class link_core;

class [[nodiscard]] awaited_datagram : resumable {
 public:
  awaited_datagram(std::shared_ptr<link_core> from, scheduler where, std::stop_token stop);
  awaited_datagram(const awaited_datagram&) = delete;
  awaited_datagram& operator=(const awaited_datagram&) = delete;
  ~awaited_datagram();

  [[nodiscard]] bool await_ready();
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> h);
  /// Nothing: the link was closed, or a stop was asked for.
  [[nodiscard]] std::optional<datagram> await_resume() noexcept;

 private:
  friend class link_core;
  friend class called_up;

  struct stopper {
    awaited_datagram& self;
    void operator()() const noexcept;
  };

  void go_on();

  const std::shared_ptr<link_core> from_;
  const scheduler where_;
  const std::stop_token stop_;
  std::optional<datagram> found_;
  std::coroutine_handle<> coroutine_;   // while it is suspended
  std::list<awaited_datagram*> place_;  // itself; the link has it while this is in its line
  std::list<awaited_datagram*>::iterator at_;
  bool in_line_ = false;  // guarded by the link's mutex
  std::optional<std::stop_callback<stopper>> stop_call_;
};

}  // namespace millrace::detail
