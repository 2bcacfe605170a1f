// message_box: messages between the threads of one process, and its coroutines. One receiver, any
// number of inputs; messages of any movable type.
//
//   millrace::message_box<order, millrace::blocking> desk({.limit = 256});
//   std::jthread clerk([in = desk.new_input()]() mutable { in.deliver(order{"3 x seeds"}); });
//   for (order& o : desk) fill(o);     // ends when the last input is gone and the box empty
//
// An input's messages are received in the order in which it delivered them.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/async_box.hpp>
#include <millrace/box/detail/meeting.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/core/status.hpp>
#include <millrace/detail/nothing.hpp>
#include <millrace/detail/tail_guess.hpp>

namespace millrace {

template <class T, box_policy Policy>
class message_box;

/// Where messages are put into a box. Cheap to copy: the copies are inputs of their own. One may
/// outlive its box; then nothing can be delivered. Thread-safety: one thread uses one object at a
/// time, which is what its messages' order refers to; any number of objects at once.
template <class T, box_policy Policy>
class input {
 public:
  using value_type = T;
  using policy_type = Policy;

  input(const input& other) noexcept : meeting_(other.meeting_) {
    if (meeting_) {
      meeting_->add_input();
    }
  }
  input(input&&) noexcept = default;
  input& operator=(input other) noexcept {
    meeting_.swap(other.meeting_);
    tail_ = other.tail_;
    return *this;
  }
  ~input() {
    if (meeting_) {
      meeting_->drop_input();
    }
  }

  /// Puts a message into the box. When that is full, waits as its policy says: for room, for a
  /// time, or not at all. False: not delivered, as there was no room in time, the box is closed, or
  /// a stop was asked for; `message` is as it was. Throws what moving T throws (a message that
  /// threw is not delivered), and std::bad_alloc when unlimited.
  bool deliver(T&& message, const std::stop_token& stop = {}) {
    return deliver_for(std::move(message), meeting_->policy().deliver_time(), stop);
  }
  bool deliver(const T& message,
               const std::stop_token& stop = {}) requires std::copy_constructible<T> {
    return deliver(T(message), stop);
  }

  /// The same, but waits for so long at most, whatever the policy. 0: not at all.
  bool deliver_for(T&& message, std::chrono::nanoseconds time, const std::stop_token& stop = {}) {
    return try_for(std::move(message), time, stop) == status::ok;
  }
  bool try_deliver(T&& message) {
    return meeting_->try_send(std::move(message), tail_) == status::ok;
  }

  /// How long deliver waits for room.
  [[nodiscard]] std::chrono::nanoseconds deliver_time() const noexcept {
    return meeting_->policy().deliver_time();
  }
  /// Whether the box was closed or is gone: nothing will ever be delivered again.
  [[nodiscard]] bool closed() const noexcept { return meeting_->closed(); }

  /// As deliver_for, and says why not: full (no time was given), timeout, cancelled or closed.
  status try_for(T&& message, std::chrono::nanoseconds time, const std::stop_token& stop = {}) {
    const status s = meeting_->try_send(std::move(message), tail_);
    if constexpr (Policy::bounded) {
      if (s == status::full && time > std::chrono::nanoseconds::zero()) {
        return meeting_->send(std::move(message), detail::deadline_after(time), stop);
      }
    }
    return s;
  }

  /// This input for coroutines that go on on this scheduler (or executor, though one scheduler for
  /// all is cheaper).
  [[nodiscard]] async_input<input> on(scheduler where) const { return {*this, std::move(where)}; }

 private:
  friend class message_box<T, Policy>;
  friend class async_input<input>;
  using meeting = detail::meeting<T, Policy>;
  [[nodiscard]] meeting& shared() const noexcept { return *meeting_; }
  explicit input(std::shared_ptr<meeting> with) noexcept : meeting_(std::move(with)) {
    meeting_->add_input();
  }

  std::shared_ptr<meeting> meeting_;
  detail::tail_guess tail_;
};

/// The next message of a box: there already, or still to come. Nothing is taken from the box before
/// it is asked for, so dropping a future loses nothing. Futures of one box get its messages in the
/// order in which they ask. Thread-safety: as the box's receiver.
template <class T, box_policy Policy>
class future_message {
 public:
  /// Whether get would not wait: there is a message, or never will be.
  [[nodiscard]] bool ready() const { return meeting_->look() != status::empty; }
  /// Waits until ready; false: the time passed or a stop was asked for first.
  bool wait_for(std::chrono::nanoseconds time, const std::stop_token& stop = {}) const {
    const status s = meeting_->await_message(detail::deadline_after(time), stop);
    return s == status::ok || s == status::closed;
  }
  /// The message, if there is one now.
  [[nodiscard]] std::optional<T> try_get() {
    auto message = detail::nothing<T>();
    (void)meeting_->try_receive(message);
    return message;
  }
  /// Waits for it. Nothing: none can come any more, or a stop was asked for.
  [[nodiscard]] std::optional<T> get(const std::stop_token& stop = {}) {
    auto message = detail::nothing<T>();
    (void)meeting_->receive(message, detail::never, stop);
    return message;
  }

 private:
  friend class message_box<T, Policy>;
  explicit future_message(std::shared_ptr<detail::meeting<T, Policy>> with) noexcept
      : meeting_(std::move(with)) {}
  std::shared_ptr<detail::meeting<T, Policy>> meeting_;
};

/// The receiving end. Destroying it closes the box and destroys what is in it.
/// Thread-safety: one thread receives at a time; new_input, close and closed from any thread.
template <class T, box_policy Policy = unlimited>
class message_box {
 public:
  using value_type = T;
  using policy_type = Policy;
  using input_type = input<T, Policy>;
  using future_type = future_message<T, Policy>;

  /// Throws errc::invalid_option for a limit of 0.
  explicit message_box(const Policy& policy = {})
      : meeting_(std::make_shared<detail::meeting<T, Policy>>(policy)) {}
  /// For pools: the receiving end of what has been made.
  explicit message_box(std::shared_ptr<detail::meeting<T, Policy>> with) noexcept
      : meeting_(std::move(with)) {}
  message_box(message_box&&) noexcept = default;
  message_box& operator=(message_box&& other) noexcept {
    message_box(std::move(other)).meeting_.swap(meeting_);
    return *this;
  }
  ~message_box() {
    if (meeting_) {
      meeting_->receiver_leaves();
    }
  }

  [[nodiscard]] input_type new_input() { return input_type(meeting_); }

  /// Waits for a message. Nothing: the box was closed or all its inputs are gone, and it is empty;
  /// or the policy's time passed, or a stop was asked for. Throws what moving T throws; that
  /// message is lost then.
  [[nodiscard]] std::optional<T> receive(const std::stop_token& stop = {}) {
    return receive_after(meeting_->policy().receive_time(), stop);
  }
  /// Waits no longer than so.
  [[nodiscard]] std::optional<T> receive_after(std::chrono::nanoseconds time,
                                               const std::stop_token& stop = {}) {
    auto message = detail::nothing<T>();
    (void)receive_within(message, time, stop);
    return message;
  }
  [[nodiscard]] std::optional<T> try_receive() {
    auto message = detail::nothing<T>();
    (void)meeting_->try_receive(message);
    return message;
  }
  /// The same, and says why not: empty, closed.
  status try_receive(std::optional<T>& to) { return meeting_->try_receive(to); }
  /// As receive_after, and says why not: timeout, cancelled, closed.
  status receive_within(std::optional<T>& to, std::chrono::nanoseconds time,
                        const std::stop_token& stop = {}) {
    const status s = meeting_->try_receive(to);
    return s == status::empty ? meeting_->receive(to, detail::deadline_after(time), stop) : s;
  }
  [[nodiscard]] future_type try_receive_future() { return future_type(meeting_); }

  /// This box for a coroutine that goes on on this scheduler (or executor, though one scheduler for
  /// all is cheaper).
  [[nodiscard]] async_inbox<T, Policy> on(scheduler where) { return {meeting_, std::move(where)}; }

  /// Both sides are told: nothing more can be delivered, those who wait for room get false; what is
  /// in the box can still be received, and then nothing.
  void close() noexcept { meeting_->close(); }
  [[nodiscard]] bool closed() const noexcept { return meeting_->closed(); }

  /// Receives until there is nothing any more.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    explicit iterator(message_box& box) : box_(&box) { ++*this; }
    [[nodiscard]] T& operator*() const noexcept { return *message_; }
    iterator& operator++() {
      message_.reset();
      message_ = box_->receive();
      return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return !i.message_;
    }

   private:
    message_box* box_;
    mutable std::optional<T> message_;
  };
  [[nodiscard]] iterator begin() { return iterator(*this); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

 private:
  template <class... Boxes>
  friend class selector;
  using meeting = detail::meeting<T, Policy>;
  std::shared_ptr<meeting> meeting_;
};

}  // namespace millrace
