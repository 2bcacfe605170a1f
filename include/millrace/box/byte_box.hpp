// A box of bytes as a message_sink and a message_source: whatever is written against these two
// works between the threads of one process as it does between processes.
//
//   millrace::byte_source<millrace::blocking> from({.limit = 256});
//   millrace::byte_sink to(from.new_input(), 64 * 1024);
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include <millrace/box/message_box.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/core/status.hpp>
#include <millrace/detail/nothing.hpp>

namespace millrace {

/// Puts copies of bytes into a box. How long a call waits is said by its name, whatever the box's
/// policy. Thread-safety: as input.
template <box_policy Policy>
class byte_sink {
 public:
  using input_type = input<std::vector<std::byte>, Policy>;

  /// Takes messages of up to `max_message_size` bytes.
  byte_sink(input_type to, std::size_t max_message_size) noexcept
      : to_(std::move(to)), max_message_size_(max_message_size) {}

  /// Answers: ok, full, too_large, closed. Throws std::bad_alloc.
  status try_enqueue(std::span<const std::byte> bytes) {
    return put(bytes, std::chrono::nanoseconds::zero(), {});
  }
  /// The same, waiting for room. Answers: ok, too_large, closed, cancelled.
  status enqueue(std::span<const std::byte> bytes, const std::stop_token& stop = {}) {
    return put(bytes, for_ever, stop);
  }
  /// The same, waiting for room no longer than `time`; also: timeout.
  status enqueue_for(std::span<const std::byte> bytes, std::chrono::nanoseconds time,
                     const std::stop_token& stop = {}) {
    const status s = put(bytes, time, stop);
    return s == status::full ? status::timeout : s;
  }

  [[nodiscard]] std::size_t max_message_size() const noexcept { return max_message_size_; }

 private:
  status put(std::span<const std::byte> bytes, std::chrono::nanoseconds time,
             const std::stop_token& stop) {
    if (bytes.size() > max_message_size_) {
      return status::too_large;
    }
    return to_.try_for({bytes.begin(), bytes.end()}, time, stop);
  }

  input_type to_;
  std::size_t max_message_size_;
};

/// A message that was taken out of a box of bytes, and its bytes. It takes no room in the box any
/// more. Used by its source's thread.
class [[nodiscard]] byte_loan {
 public:
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Whether it was handed out before, and given back.
  [[nodiscard]] bool redelivered() const noexcept { return redelivered_; }
  /// Gives the message back: its source hands it out again before what is in the box. Afterwards
  /// this object is empty. Does nothing if the source is gone, as its box is then. Throws
  /// std::bad_alloc, and keeps the message.
  void requeue() {
    if (const auto to = given_back_.lock()) {
      to->push_back(std::move(bytes_));
    }
    given_back_.reset();
  }

 private:
  template <box_policy Policy>
  friend class byte_source;
  using messages = std::deque<std::vector<std::byte>>;

  byte_loan(std::vector<std::byte> bytes, bool redelivered,
            std::weak_ptr<messages> given_back) noexcept
      : bytes_(std::move(bytes)), redelivered_(redelivered), given_back_(std::move(given_back)) {}

  std::vector<std::byte> bytes_;
  bool redelivered_;
  std::weak_ptr<messages> given_back_;
};

/// The receiving end of a box of bytes, which it owns. How long a call waits is said by its name,
/// whatever the box's policy. Thread-safety: as the box's receiver; new_input from any thread.
template <box_policy Policy>
class byte_source {
 public:
  using box_type = message_box<std::vector<std::byte>, Policy>;

  explicit byte_source(const Policy& policy = {}) : box_(policy) {}

  /// What a byte_sink is made from.
  [[nodiscard]] typename box_type::input_type new_input() { return box_.new_input(); }

  /// The next message. Nothing: last_status() says empty, or closed: the box has no inputs.
  [[nodiscard]] std::optional<byte_loan> try_dequeue() {
    return next([&](auto& to) { return box_.try_receive(to); });
  }
  /// The same, waiting for a message. Nothing: last_status() says cancelled or closed.
  [[nodiscard]] std::optional<byte_loan> dequeue(const std::stop_token& stop = {}) {
    return dequeue_for(for_ever, stop);
  }
  /// The same, waiting no longer than `time`; also: timeout.
  [[nodiscard]] std::optional<byte_loan> dequeue_for(std::chrono::nanoseconds time,
                                                     const std::stop_token& stop = {}) {
    return next([&](auto& to) { return box_.receive_within(to, time, stop); });
  }

  /// What the latest call answered.
  [[nodiscard]] status last_status() const noexcept { return last_status_; }

 private:
  template <class Receive>
  std::optional<byte_loan> next(Receive receive) {
    auto message = detail::nothing<std::vector<std::byte>>();
    const bool again = !given_back_->empty();
    if (again) {
      message = std::move(given_back_->front());
      given_back_->pop_front();
      last_status_ = status::ok;
    } else {
      last_status_ = receive(message);
    }
    if (!message) {
      return std::nullopt;
    }
    return byte_loan(std::move(*message), again, given_back_);
  }

  box_type box_;
  // Loans may stay when this is moved, or gone.
  std::shared_ptr<byte_loan::messages> given_back_ = std::make_shared<byte_loan::messages>();
  status last_status_ = status::empty;
};

}  // namespace millrace
