// A coroutine in the hands of a test, which destroys it when it likes.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace test {

/// A coroutine that runs until it waits for the first time, and ends by itself or with this.
struct running {
  struct promise_type {
    running get_return_object() {
      return running{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };

  explicit running(std::coroutine_handle<promise_type> h) : coroutine(h) {}
  running(running&& other) noexcept : coroutine(std::exchange(other.coroutine, {})) {}
  running& operator=(running&&) = delete;
  ~running() {
    if (coroutine) {
      coroutine.destroy();
    }
  }
  [[nodiscard]] bool done() const { return coroutine.done(); }

  std::coroutine_handle<promise_type> coroutine;
};

}  // namespace test
