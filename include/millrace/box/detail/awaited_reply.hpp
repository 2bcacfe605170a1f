// What co_await does with an async_reply.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <optional>
#include <utility>

#include <millrace/box/detail/alarm.hpp>
#include <millrace/box/detail/parking.hpp>
#include <millrace/box/detail/reply_slot.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/reply.hpp>
#include <millrace/box/result.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace {

template <class R>
class async_reply;

namespace detail {

/// What both have in common.
template <class R>
class awaited_reply {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return reply_.ready(); }

 protected:
  explicit awaited_reply(async_reply<R>&& reply) noexcept : reply_(std::move(reply)) {}

  [[nodiscard]] reply_slot<R>& slot() noexcept { return *reply_.slot_; }
  [[nodiscard]] result<R, command_error> take() { return reply_.take(); }
  [[nodiscard]] result<R, command_error> take_or_give_up(command_errc why) {
    return reply_.take_or_give_up(why);
  }

 private:
  async_reply<R> reply_;
};

/// Goes on within reply_to.
template <class R>
class [[nodiscard]] inline_reply : public awaited_reply<R>, waiter {
 public:
  explicit inline_reply(async_reply<R>&& reply) noexcept
      : awaited_reply<R>(std::move(reply)), waiter{[](waiter& w) noexcept {
          static_cast<inline_reply&>(w).caller_.resume();
        }} {}

  [[nodiscard]] bool await_suspend(std::coroutine_handle<> caller) noexcept {
    caller_ = caller;
    return this->slot().wait_by(*this);  // if so, the caller may be running, and this gone, by now
  }
  [[nodiscard]] auto await_resume() { return this->take(); }

 private:
  std::coroutine_handle<> caller_;
};

/// Goes on on a scheduler. Two may want to wake it, a replier and an alarm: the one that takes it
/// out of the slot does. That can happen before await_suspend has come to its end, so the two agree
/// by `state_` who goes on with the coroutine.
template <class R>
class [[nodiscard]] scheduled_reply : public awaited_reply<R>, waiter, resumable {
 public:
  scheduled_reply(async_reply<R>&& reply, const scheduler& where, std::chrono::nanoseconds time)
      : awaited_reply<R>(std::move(reply)), waiter{[](waiter& w) noexcept {
          static_cast<scheduled_reply&>(w).woken();
        }},
        resumable{[](resumable& r) { static_cast<scheduled_reply&>(r).caller_.resume(); }},
        where_(where), time_(time) {}
  scheduled_reply(const scheduled_reply&) = delete;
  scheduled_reply& operator=(const scheduled_reply&) = delete;
  ~scheduled_reply() {
    alarm_.reset();
    if (suspended_ && !this->slot().stop_waiting(*this)) {  // destroyed with its coroutine
      where_.forget(*this);
    }
  }

  [[nodiscard]] bool await_suspend(std::coroutine_handle<> caller) noexcept {
    caller_ = caller;
    suspended_ = true;
    if (!this->slot().wait_by(*this)) {
      return false;
    }
    if (time_ != for_ever) {
      alarm_.emplace([](void* who) noexcept { static_cast<scheduled_reply*>(who)->give_up(); },
                     this);
      if (!alarm_->set(deadline_after(time_))) {
        give_up();
      }
    }
    return state_.exchange(state::sleeps, std::memory_order_acq_rel) == state::begins;
  }
  [[nodiscard]] result<R, command_error> await_resume() {
    suspended_ = false;
    alarm_.reset();  // it uses the slot
    return this->take_or_give_up(command_errc::timed_out);
  }

 private:
  enum class state {
    begins,
    sleeps,
    woken
  };

  void give_up() noexcept {
    if (this->slot().stop_waiting(*this)) {
      woken();
    }
  }
  void woken() noexcept {
    if (state_.exchange(state::woken, std::memory_order_acq_rel) == state::sleeps) {
      where_.go_on_with(*this);
    }
  }

  const scheduler& where_;
  const std::chrono::nanoseconds time_;
  std::coroutine_handle<> caller_;
  bool suspended_ = false;
  std::atomic<state> state_{state::begins};
  std::optional<alarm> alarm_;
};

}  // namespace detail
}  // namespace millrace
