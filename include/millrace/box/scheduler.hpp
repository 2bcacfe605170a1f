// scheduler: where coroutines that wait for boxes go on, once what they wait for is there. Made
// from any executor, such as a thread pool; made once and shared, as copies are the same scheduler.
//
// Posting to an executor costs much more than going on with a coroutine. So coroutines that are
// ready wait here, and the executor only gets jobs that work on them. Each job has a lane of its
// own, for what its coroutines make ready; what other threads make ready they feed, by a single
// atomic operation, and the first job that runs out of work takes it all. A job that finds nothing
// there takes from the lanes of others.
//
// If more is ready, a job asks for the help of another before it goes on with a coroutine; so
// nothing that is ready waits behind a coroutine that takes long, if the executor has an idle
// thread. Where other threads feed, a job looks for more before it ends, for some ten microseconds;
// and if they feed while it is busy, it lets more come, for a few, to take that all at once.
#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <thread>
#include <utility>

namespace millrace {

/// What a scheduler needs of an executor: post(f) makes it call f() later, on one of its threads,
/// and never before post returns there. Thread-safe. An executor must not drop what was posted as
/// long as a coroutine lives. What post throws, a coroutine that was about to be suspended throws;
/// where one is woken, which nothing else would do, it ends the program.
template <class E>
concept executor = std::copy_constructible<E> && requires(E& e, void (*f)()) {
  e.post(f);
};

namespace detail {

/// Something to go on with: most often a coroutine.
struct resumable {
  explicit constexpr resumable(void (*how)(resumable&)) noexcept : go_on(how) {}

  void (*go_on)(resumable&);
  resumable* next = nullptr;
  resumable* previous = nullptr;  // in no lane
};

/// Thread-safe.
class ready_queue : public std::enable_shared_from_this<ready_queue> {
 public:
  ready_queue();
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;
  virtual ~ready_queue();

  void push(resumable& r);
  /// Takes one out that is not to go on any more. False: it is not in here.
  [[nodiscard]] bool remove(resumable& r) noexcept;
  /// Goes on with what is ready, but not for ever: executors have other work, too.
  void work();

 private:
  struct parts;

  virtual void post_work() = 0;

  const std::unique_ptr<parts> parts_;
};

template <executor E>
class ready_queue_on final : public ready_queue {
 public:
  explicit ready_queue_on(E e) : executor_(std::move(e)) {}

 private:
  void post_work() override {
    executor_.post([self = shared_from_this()] { self->work(); });
  }
  E executor_;
};

/// How often a coroutine may find what it wants at once before it lets others run. Counted by
/// thread, since the coroutine there went on.
inline constexpr unsigned operations_in_a_row = 256;
inline constinit thread_local unsigned operations_left = operations_in_a_row;

}  // namespace detail

class scheduler {
 public:
  template <class E>
  requires(!std::same_as<E, scheduler> && executor<E>)
      scheduler(E e)  // NOLINT: implicit, so that an executor can be passed where one is asked for
      : queue_(std::make_shared<detail::ready_queue_on<E>>(std::move(e))) {}

  void go_on_with(detail::resumable& r) const { queue_->push(r); }
  /// The same from await_suspend. `to` is where its awaiter keeps the coroutine while it is
  /// suspended: not, if this throws what the executor throws.
  void go_on_with(detail::resumable& r, std::coroutine_handle<> h,
                  std::coroutine_handle<>& to) const {
    to = h;
    try {
      queue_->push(r);
    } catch (...) {
      to = {};
      throw;
    }
  }
  /// Takes one out whose coroutine was destroyed. REQUIRES: it was given to go_on_with, or another
  /// thread is about to do that; it does not go on.
  void forget(detail::resumable& r) const noexcept {
    while (!queue_->remove(r)) {
      std::this_thread::yield();
    }
  }

  /// The same scheduler, cheap to make and to destroy, for somebody who lasts no longer than this.
  [[nodiscard]] scheduler borrowed() const noexcept {
    return scheduler(std::shared_ptr<detail::ready_queue>(std::shared_ptr<void>(), queue_.get()));
  }

  /// co_await s.yield(): behind all others that are ready. Also how a coroutine gets there from
  /// another thread.
  [[nodiscard]] auto yield() const noexcept;

 private:
  explicit scheduler(std::shared_ptr<detail::ready_queue> queue) noexcept
      : queue_(std::move(queue)) {}

  std::shared_ptr<detail::ready_queue> queue_;
};

namespace detail {

class yielding : resumable {
 public:
  explicit yielding(const scheduler& where) noexcept
      : resumable{[](resumable& r) { static_cast<yielding&>(r).coroutine_.resume(); }},
        where_(&where) {}
  yielding(const yielding&) = delete;
  yielding& operator=(const yielding&) = delete;
  ~yielding() {
    if (coroutine_) {  // it was destroyed meanwhile
      where_->forget(*this);
    }
  }
  [[nodiscard]] static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) { where_->go_on_with(*this, h, coroutine_); }
  void await_resume() noexcept { coroutine_ = {}; }

 private:
  const scheduler* where_;
  std::coroutine_handle<> coroutine_;  // while it is suspended
};

}  // namespace detail

inline auto scheduler::yield() const noexcept {
  return detail::yielding(*this);
}

}  // namespace millrace
