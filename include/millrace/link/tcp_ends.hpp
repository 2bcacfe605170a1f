// A TCP link as a message_sink and a message_source: whatever is written against these two works
// between machines as it does between processes.
//
//   millrace::tcp_sink to(here, "192.0.2.7:7070");
//   millrace::tcp_source from(there);
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <millrace/link/tcp_link.hpp>

namespace millrace {

/// Sends messages to one address, each acknowledged before a call returns. So ok means the same as
/// of a queue: it is in the peer's queue of received messages. One thread uses one object at a
/// time.
class tcp_sink {
 public:
  /// REQUIRES: the link stays where it is as long as this.
  tcp_sink(tcp_link& link, std::string to) : link_(&link), to_(std::move(to)) {}

  /// Answers: ok, too_large, closed; full: it was not acknowledged, last_link_status() says why,
  /// and after timeout and reset it may have arrived all the same. All three calls wait for the
  /// acknowledgement up to the link's time-out, whatever time they are given.
  status try_enqueue(std::span<const std::byte> bytes) {
    last_ = link_->send_acknowledged(to_, bytes);
    switch (last_) {
    case link_status::ok:
      return status::ok;
    case link_status::too_large:
      return status::too_large;
    case link_status::closed:
      return status::closed;
    default:
      return status::full;
    }
  }
  /// The same, again and again until it is acknowledged: it may arrive more than once. Answers: ok,
  /// too_large, closed, cancelled.
  status enqueue(std::span<const std::byte> bytes, const std::stop_token& stop = {}) {
    return enqueue_for(bytes, std::chrono::nanoseconds::max(), stop);
  }
  /// The same, beginning no attempt after `time` (steady clock); also: timeout.
  status enqueue_for(std::span<const std::byte> bytes, std::chrono::nanoseconds time,
                     const std::stop_token& stop = {}) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
      const status s = try_enqueue(bytes);
      if (s != status::full) {
        return s;
      }
      if (stop.stop_requested()) {
        return status::cancelled;
      }
      const auto left = time - (std::chrono::steady_clock::now() - begin);
      if (left <= std::chrono::nanoseconds::zero()) {
        return status::timeout;
      }
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, left));
    }
  }

  /// What the link said to the latest attempt.
  [[nodiscard]] link_status last_link_status() const noexcept { return last_; }

 private:
  static constexpr auto pause = std::chrono::milliseconds(20);

  tcp_link* link_;
  std::string to_;
  link_status last_ = link_status::ok;
};

/// A message that was received. It is acknowledged already: one that is neither finished nor given
/// back when the program ends is gone. Used by its source's thread.
class [[nodiscard]] tcp_loan {
 public:
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return datagram_.bytes; }
  /// Whom to answer.
  [[nodiscard]] const std::string& from() const noexcept { return datagram_.from; }
  /// Whether it was handed out before, and given back.
  [[nodiscard]] bool redelivered() const noexcept { return redelivered_; }
  /// Gives the message back: its source hands it out again before others. Afterwards this object is
  /// empty. Does nothing if the source is gone.
  void requeue() {
    if (const auto to = given_back_.lock()) {
      to->push_back(std::move(datagram_));
    }
    given_back_.reset();
  }

 private:
  friend class tcp_source;
  using datagrams = std::deque<datagram>;

  tcp_loan(datagram d, bool redelivered, std::weak_ptr<datagrams> given_back) noexcept
      : datagram_(std::move(d)), redelivered_(redelivered), given_back_(std::move(given_back)) {}

  datagram datagram_;
  bool redelivered_;
  std::weak_ptr<datagrams> given_back_;
};

/// Takes what a link receives, as other receivers of it may at the same time. One thread uses one
/// object at a time.
class tcp_source {
 public:
  /// REQUIRES: the link stays where it is as long as this.
  explicit tcp_source(tcp_link& link) : link_(&link) {}

  /// The next message. Nothing: last_status() says empty or closed.
  [[nodiscard]] std::optional<tcp_loan> try_dequeue() {
    return next([&](datagram& to) { return link_->try_receive(to); });
  }
  /// The same, waiting for a message. Nothing: last_status() says cancelled or closed.
  [[nodiscard]] std::optional<tcp_loan> dequeue(const std::stop_token& stop = {}) {
    return next([&](datagram& to) { return link_->receive(to, stop); });
  }
  /// The same, waiting no longer than `time` (steady clock); also: timeout.
  [[nodiscard]] std::optional<tcp_loan> dequeue_for(std::chrono::nanoseconds time,
                                                    const std::stop_token& stop = {}) {
    return next([&](datagram& to) { return link_->receive_for(to, time, stop); });
  }

  /// What the latest call answered.
  [[nodiscard]] status last_status() const noexcept { return last_status_; }

 private:
  template <class Receive>
  std::optional<tcp_loan> next(Receive receive) {
    datagram d;
    const bool again = !given_back_->empty();
    if (again) {
      d = std::move(given_back_->front());
      given_back_->pop_front();
      last_status_ = status::ok;
    } else {
      last_status_ = receive(d);
    }
    if (last_status_ != status::ok) {
      return std::nullopt;
    }
    return tcp_loan(std::move(d), again, given_back_);
  }

  tcp_link* link_;
  // Loans may stay when this is moved, or gone.
  std::shared_ptr<tcp_loan::datagrams> given_back_ = std::make_shared<tcp_loan::datagrams>();
  status last_status_ = status::empty;
};

}  // namespace millrace
