// Boxes for coroutines: the same box and the same inputs, with calls to co_await.
//
//   auto inbox = box.on(scheduler);
//   while (auto m = co_await inbox.receive()) ...
//   auto in = box.new_input().on(scheduler);
//   co_await in.deliver(m);
//
// A coroutine that finds a message, or room, goes on at once, some hundreds of times until it lets
// others run; else it is suspended and goes on on its scheduler. One that is suspended here may be
// destroyed, as long as nothing resumes it at that moment: on a scheduler with one thread, from
// that thread at any time.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>

#include <millrace/box/detail/meeting.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/detail/nothing.hpp>

namespace millrace {

namespace detail {

/// In the place of a stop_token where there is none, and takes no room.
struct never_stops {
  [[nodiscard]] static constexpr bool stop_requested() noexcept { return false; }
};

/// co_await this for the next message.
///
/// While it is announced as the box's receiver, whoever wakes it and itself agree by `state_` who
/// goes on with the coroutine: it still looks (then it goes on, or looks again), or it sleeps (then
/// whoever woke it has the scheduler go on with it).
///
/// `Inbox` is `const async_inbox<...>&`; or without the reference if that was a temporary, which
/// g++ 12 does not keep for as long as the coroutine waits, though it should.
/// `Stop` is std::stop_token or never_stops.
template <class Inbox, class Stop>
class receiving final : waiter, resumable {
  using value_type = typename std::remove_cvref_t<Inbox>::value_type;
  static constexpr steady_time at_once = steady_time::min();
  static constexpr bool may_stop = std::same_as<Stop, std::stop_token>;

 public:
  receiving(Inbox&& inbox, std::chrono::nanoseconds time, Stop stop)
      : waiter{[](waiter& w) noexcept { static_cast<receiving&>(w).woken(); }},
        resumable{[](resumable& r) { static_cast<receiving&>(r).go_on(); }},
        inbox_(std::forward<Inbox>(inbox)),
        deadline_(time > std::chrono::nanoseconds::zero() ? deadline_after(time) : at_once),
        stop_(std::move(stop)) {}
  receiving(const receiving&) = delete;
  receiving& operator=(const receiving&) = delete;
  ~receiving() {
    if (coroutine_ && !from().withdraw(*this)) {  // destroyed with its coroutine
      where().forget(*this);
    }
  }

  [[nodiscard]] bool await_ready() noexcept {
    if (operations_left == 0) {
      return false;
    }
    --operations_left;
    return from().look() != status::empty || deadline_ == at_once;
  }
  /// Lets others run first: what is ready may be what delivers the next message, and falling asleep
  /// makes all threads pass a fence, which costs more than that; but not in quiet boxes.
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> h) {
    if (is_quiet<typename std::remove_cvref_t<Inbox>::policy_type> && operations_left > 0) {
      coroutine_ = h;
      return falls_asleep();
    }
    where().go_on_with(*this, h, coroutine_);
    return true;
  }
  [[nodiscard]] std::optional<value_type> await_resume() {
    coroutine_ = {};
    auto message = nothing<value_type>();
    (void)from().try_receive(message);
    return message;
  }

 private:
  enum class state {
    looks,
    sleeps,
    woken
  };

  [[nodiscard]] bool done() {
    return from().look() != status::empty || stop_.stop_requested() ||
           (deadline_ != never && std::chrono::steady_clock::now() >= deadline_);
  }

  /// False: there is something to go on with. True: it is asleep, and may be gone by now.
  [[nodiscard]] bool falls_asleep() {
    if constexpr (may_stop) {
      if (!stop_call_ && stop_.stop_possible()) {
        stop_call_.emplace(stop_, waker{*this});
      }
    }
    for (;;) {
      state_.store(state::looks, std::memory_order_relaxed);
      from().announce(*this);
      if (!from().wake_receiver_at(deadline_)) {
        deadline_ = at_once;  // nothing would wake it in time: it has timed out
      }
      if (done()) {
        if (!from().withdraw(*this)) {
          while (state_.load(std::memory_order_acquire) != state::woken) {
            std::this_thread::yield();  // until whoever wakes it has let go of it
          }
        }
        return false;
      }
      if (state_.exchange(state::sleeps, std::memory_order_acq_rel) == state::looks) {
        return true;
      }
    }
  }
  void woken() noexcept {
    if (state_.exchange(state::woken, std::memory_order_acq_rel) == state::sleeps) {
      where().go_on_with(*this);
    }
  }
  void go_on() {
    if (done() || !falls_asleep()) {
      coroutine_.resume();
    }
  }

  struct waker {
    receiving& self;
    void operator()() const noexcept { self.from().wake_receiver(); }
  };

  [[nodiscard]] auto& from() const noexcept { return *inbox_.from_; }
  [[nodiscard]] const scheduler& where() const noexcept { return inbox_.where_; }

  struct no_call {};

  const Inbox inbox_;
  steady_time deadline_;
  [[no_unique_address]] const Stop stop_;
  std::coroutine_handle<> coroutine_;  // while it is suspended
  std::atomic<state> state_{state::looks};
  [[no_unique_address]] std::conditional_t<may_stop, std::optional<std::stop_callback<waker>>,
                                           no_call>
      stop_call_;
};

/// co_await this for a message to be delivered. `Message` is T&&, which stays where it is until it
/// is moved into the box, or T, a copy of its own. `Input` is `const async_input<...>&`, or without
/// the reference; see receiving.
template <class Input, class Message>
class sending final : waiter, resumable, waiting_sender<std::remove_cvref_t<Message>> {
  using in_line = waiting_sender<std::remove_cvref_t<Message>>;
  using policy_type = typename std::remove_cvref_t<Input>::policy_type;

 public:
  sending(Input&& input, Message given, std::chrono::nanoseconds time, std::stop_token stop)
      : waiter{[](waiter& w) noexcept {
          auto& self = static_cast<sending&>(w);
          self.where().go_on_with(self);
        }},
        resumable{[](resumable& r) { static_cast<sending&>(r).go_on(); }}, in_line{nullptr, this},
        input_(std::forward<Input>(input)), message_(static_cast<Message&&>(given)), time_(time),
        stop_(std::move(stop)) {
    in_line::message = std::addressof(message_);
  }
  sending(const sending&) = delete;
  sending& operator=(const sending&) = delete;
  ~sending() {
    stop_call_.reset();
    if (coroutine_ && !(in_line_ && step_out(status::cancelled))) {  // destroyed with its coroutine
      where().forget(*this);
    }
  }

  [[nodiscard]] bool await_ready() {
    if (operations_left == 0) {
      return false;
    }
    --operations_left;
    return try_now();
  }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> h) {
    if (operations_left == 0) {  // others first
      where().go_on_with(*this, h, coroutine_);
      return true;
    }
    coroutine_ = h;
    return !line_up();
  }
  /// Whether it was delivered; if not, the message is as it was.
  bool await_resume() {
    coroutine_ = {};
    return to().outcome(*this) == status::ok;
  }

 private:
  [[nodiscard]] bool try_now() {
    in_line::result = to().try_send(std::move(message_));
    return in_line::result != status::full || time_ <= std::chrono::nanoseconds::zero();
  }
  [[nodiscard]] bool step_out(status why) noexcept {
    if constexpr (policy_type::bounded) {
      return to().step_out(*this, why);
    } else {
      return false;
    }
  }
  /// True: there is something to go on with. False: it waits, and may be gone by now.
  [[nodiscard]] bool line_up() {
    if constexpr (policy_type::bounded) {
      if (time_ != for_ever) {
        in_line::deadline = deadline_after(time_);
      }
      if (stop_.stop_possible()) {
        stop_call_.emplace(stop_, stopper{*this});
      }
      in_line_ = true;
      return to().line_up(*this, stop_);
    } else {
      return true;  // never full
    }
  }
  void go_on() {
    try {
      if (!in_line_ && !try_now() && !line_up()) {
        return;
      }
    } catch (...) {  // the message's move threw
      in_line::error = std::current_exception();
    }
    coroutine_.resume();
  }

  struct stopper {
    sending& self;
    void operator()() const noexcept {
      if (self.step_out(status::cancelled)) {
        self.where().go_on_with(self);
      }
    }
  };

  [[nodiscard]] auto& to() const noexcept { return input_.shared(); }
  [[nodiscard]] const scheduler& where() const noexcept { return input_.where_; }

  const Input input_;
  Message message_;
  const std::chrono::nanoseconds time_;
  const std::stop_token stop_;
  std::coroutine_handle<> coroutine_;  // while it is suspended
  bool in_line_ = false;
  std::optional<std::stop_callback<stopper>> stop_call_;
};

}  // namespace detail

/// A box's receiving end for coroutines; made by message_box::on, outlived by nothing that it
/// returned. The same one receiver as the box itself, in calls that do not overlap.
template <class T, box_policy Policy>
class async_inbox {
 public:
  using value_type = T;
  using policy_type = Policy;

  async_inbox(std::shared_ptr<detail::meeting<T, Policy>> from, scheduler where) noexcept
      : from_(std::move(from)), where_(std::move(where)) {}

  /// co_await gives std::optional<T>, as message_box::receive. `stop`: a std::stop_token, or none.
  template <class Stop = detail::never_stops>
  [[nodiscard]] auto receive(Stop stop = {}) const& {
    return receive_after(from_->policy().receive_time(), std::move(stop));
  }
  template <class Stop = detail::never_stops>
  [[nodiscard]] auto receive(Stop stop = {}) && {
    const auto time = from_->policy().receive_time();
    return std::move(*this).receive_after(time, std::move(stop));
  }
  template <class Stop = detail::never_stops>
  [[nodiscard]] auto receive_after(std::chrono::nanoseconds time, Stop stop = {}) const& {
    return detail::receiving<const async_inbox&, Stop>(*this, time, std::move(stop));
  }
  template <class Stop = detail::never_stops>
  [[nodiscard]] auto receive_after(std::chrono::nanoseconds time, Stop stop = {}) && {
    return detail::receiving<async_inbox, Stop>(std::move(*this), time, std::move(stop));
  }

 private:
  template <class, class>
  friend class detail::receiving;

  std::shared_ptr<detail::meeting<T, Policy>> from_;
  scheduler where_;
};

/// An input for coroutines; made by input::on, outlived by nothing that it returned. `Input` is
/// what it was made from.
template <class Input>
class async_input {
 public:
  using value_type = typename Input::value_type;
  using policy_type = typename Input::policy_type;

  async_input(Input to, scheduler where) noexcept : to_(std::move(to)), where_(std::move(where)) {}

  /// co_await gives bool, as input::deliver: false, and the message is as it was. It must stay
  /// where it is until then.
  [[nodiscard]] auto deliver(value_type&& message, std::stop_token stop = {}) const& {
    return deliver_for(std::move(message), time(), std::move(stop));
  }
  [[nodiscard]] auto deliver(value_type&& message, std::stop_token stop = {}) && {
    const auto t = time();
    return std::move(*this).deliver_for(std::move(message), t, std::move(stop));
  }
  [[nodiscard]] auto
  deliver(const value_type& message,
          std::stop_token stop = {}) const& requires std::copy_constructible<value_type> {
    return detail::sending<const async_input&, value_type>(*this, value_type(message), time(),
                                                           std::move(stop));
  }
  [[nodiscard]] auto deliver(const value_type& message, std::stop_token stop = {}) && requires
      std::copy_constructible<value_type> {
    const auto t = time();
    return detail::sending<async_input, value_type>(std::move(*this), value_type(message), t,
                                                    std::move(stop));
  }
  [[nodiscard]] auto deliver_for(value_type&& message, std::chrono::nanoseconds within,
                                 std::stop_token stop = {}) const& {
    return detail::sending<const async_input&, value_type&&>(*this, std::move(message), within,
                                                             std::move(stop));
  }
  [[nodiscard]] auto deliver_for(value_type&& message, std::chrono::nanoseconds within,
                                 std::stop_token stop = {}) && {
    return detail::sending<async_input, value_type&&>(std::move(*this), std::move(message), within,
                                                      std::move(stop));
  }

  [[nodiscard]] bool closed() const noexcept { return to_.closed(); }

 private:
  template <class, class>
  friend class detail::sending;

  [[nodiscard]] auto& shared() const noexcept { return to_.shared(); }
  [[nodiscard]] std::chrono::nanoseconds time() const noexcept {
    return shared().policy().deliver_time();
  }

  Input to_;
  scheduler where_;
};

}  // namespace millrace
