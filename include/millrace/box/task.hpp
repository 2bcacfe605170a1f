// task: the least that a coroutine needs to use boxes; task_group: to run many and wait for all.
// Boxes work in coroutines of any other kind as well.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/box/detail/frame_pool.hpp>
#include <millrace/box/scheduler.hpp>

namespace millrace {

template <class T = void>
class task;

namespace detail {

/// What the promises of all tasks have in common: who goes on when it is done.
class task_promise_base : public framed {
 public:
  struct going_on {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return h.promise().awaiter_;
    }
    void await_resume() noexcept {}
  };

  [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
  [[nodiscard]] static going_on final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void go_on_with(std::coroutine_handle<> awaiter) noexcept { awaiter_ = awaiter; }

 protected:
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::coroutine_handle<> awaiter_ = std::noop_coroutine();
  std::exception_ptr error_;
};

template <class T>
class task_promise : public task_promise_base {
 public:
  [[nodiscard]] task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  [[nodiscard]] T result() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class task_promise<void> : public task_promise_base {
 public:
  [[nodiscard]] task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void result() const { rethrow(); }
};

}  // namespace detail

/// A coroutine that begins when it is awaited, and then goes on with whoever awaits it. Destroying
/// it destroys the coroutine, wherever that is suspended.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;

  task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  task& operator=(task&& other) noexcept {
    task(std::move(other)).swap(*this);
    return *this;
  }
  ~task() {
    if (coroutine_) {
      coroutine_.destroy();
    }
  }
  void swap(task& other) noexcept { std::swap(coroutine_, other.coroutine_); }

  /// Once.
  [[nodiscard]] auto operator co_await() const noexcept {
    struct awaiting {
      std::coroutine_handle<promise_type> coroutine;
      [[nodiscard]] static bool await_ready() noexcept { return false; }
      [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
        coroutine.promise().go_on_with(h);
        return coroutine;
      }
      T await_resume() { return coroutine.promise().result(); }
    };
    return awaiting{coroutine_};
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> h) noexcept : coroutine_(h) {}
  std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

namespace detail {

/// A coroutine that belongs to nobody, and is gone when it ends.
struct detached {
  struct promise_type : framed {
    [[nodiscard]] static detached get_return_object() noexcept { return {}; }
    [[nodiscard]] static std::suspend_never initial_suspend() noexcept { return {}; }
    [[nodiscard]] static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace detail

/// Runs tasks on a scheduler. Thread-safe.
class task_group {
 public:
  explicit task_group(scheduler where) noexcept : where_(std::move(where)) {}
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  /// Waits for all tasks.
  ~task_group() { wait_for_all(); }

  /// Throws std::bad_alloc, and then the task is gone.
  void spawn(task<> t) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    try {
      run(std::move(t));
    } catch (...) {
      ended({});
      throw;
    }
  }
  /// Until all tasks have ended; throws what the first one threw that did.
  void wait() {
    wait_for_all();
    if (const auto error = std::exchange(error_, nullptr)) {
      std::rethrow_exception(error);
    }
  }

 private:
  detail::detached run(task<> given) {
    std::exception_ptr error;
    {
      const task<> t = std::move(given);  // gone before anybody hears that it ended
      try {
        co_await where_.yield();
        co_await t;
      } catch (...) {
        error = std::current_exception();
      }
    }
    ended(std::move(error));
  }
  void ended(std::exception_ptr error) noexcept {
    const std::lock_guard lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
    if (--running_ == 0) {
      all_ended_.notify_all();  // under the lock: after it the group may be gone
    }
  }
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return running_ == 0; });
  }

  const scheduler where_;
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
};

/// Runs a task on a scheduler and waits, with this thread, for its result.
template <class T>
T sync_wait(const scheduler& where, task<T> t) {
  task_group group(where);
  if constexpr (std::is_void_v<T>) {
    group.spawn(std::move(t));
    group.wait();
  } else {
    std::optional<T> result;
    group.spawn([](task<T> inner, std::optional<T>& to) -> task<> {
      to.emplace(co_await inner);
    }(std::move(t), result));
    group.wait();
    return std::move(*result);
  }
}

}  // namespace millrace
