// The serving end of a service: commands from other processes, opened as those from a box are
// (box/handle.hpp):
//
//   struct add { int a, b; using returns = millrace::returns<int>; };
//   using calculator = millrace::protocol<add>;
//
//   millrace::service<calculator> desk("calculator");
//   desk.serve(millrace::overloaded{
//       [](add&& a, millrace::reply_box<int> reply) { return reply_to(reply, a.a + a.b); }});
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include <millrace/box/handle.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/protocol.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/service/detail/call_in_hand.hpp>
#include <millrace/service/detail/service_core.hpp>
#include <millrace/service/fingerprint.hpp>
#include <millrace/service/options.hpp>

namespace millrace {

template <class Protocol>
class service;

/// Takes commands out of the queue of that name, which stays when this goes; what waits in it then
/// is for the next server. There is one server at a time. A cast is over when the next command is
/// received, a call when it is answered; until then each keeps its place in the queue, to which it
/// returns, if the service is at_least_once, when this process dies or this object goes.
///
/// Clients that die are forgotten within a second, and their reply queues removed. An answer that a
/// client's full queue does not take waits here; nobody else waits for that. Commands that are
/// malformed, or of another protocol, are not carried out: their callers get `failed`, which says
/// why. What making a command's value throws, receiving throws; a call then fails with its text, a
/// cast is over when the next command is received.
///
/// Thread-safety: one thread receives and serves, always the same. A reply_box may be used and
/// dropped in any thread, also when the service is gone. Steady serving allocates nothing but what
/// the commands' values do. Throws millrace::error as the queue does: errc::corrupted, forked.
template <class... Cs>
class service<protocol<Cs...>> {
 public:
  using value_type = typename protocol<Cs...>::message;

  /// Makes the queue, or opens it. Throws millrace::error as opening a queue does: role_taken if
  /// another server lives.
  explicit service(std::string_view name, const service_options& options = {})
      : core_(std::make_shared<detail::service_core>(name, options, describe<protocol<Cs...>>())) {}
  service(service&&) noexcept = default;
  service& operator=(service&& other) noexcept {
    service gone(std::move(*this));
    core_ = std::move(other.core_);
    cast_ = std::exchange(other.cast_, std::nullopt);
    return *this;
  }
  ~service() {
    if (core_) {
      core_->leave();
    }
  }

  /// Waits for a command, for handle(). Nothing: a stop was asked for, or the queue was removed.
  [[nodiscard]] std::optional<value_type> receive(const std::stop_token& stop = {}) {
    return receive_after(for_ever, stop);
  }
  /// Waits no longer than so.
  [[nodiscard]] std::optional<value_type> receive_after(std::chrono::nanoseconds time,
                                                        const std::stop_token& stop = {}) {
    std::optional<value_type> message;
    end_cast();
    const auto deadline = detail::deadline_after(time);
    while (!message) {
      const auto next = core_->receive(deadline, stop);
      if (!next) {
        break;
      }
      redelivered_ = next->redelivered;
      open(*next, message);
    }
    return message;
  }

  /// Handles commands until a stop is asked for or the queue is removed. What the handler throws
  /// ends it, too; a cast that was being handled is delivered again if the service is
  /// at_least_once.
  template <class Handler>
  void serve(Handler&& handler, const std::stop_token& stop = {}) {
    while (auto message = receive(stop)) {
      handle(std::move(*message), handler);
    }
  }

  /// Whether the command that was received last had been in the hands of a server before, which may
  /// have carried it out.
  [[nodiscard]] bool redelivered() const noexcept { return redelivered_; }

 private:
  using command = detail::service_core::command;

  void end_cast() {
    if (cast_) {
      core_->finish(*cast_);
      cast_.reset();
    }
  }

  void open(const command& from, std::optional<value_type>& to) {
    using opener = void (service::*)(const command&, std::optional<value_type>&);
    constexpr std::array<opener, sizeof...(Cs)> openers = {&service::open_as<Cs>...};
    if (from.header.command < openers.size()) {
      (this->*openers[from.header.command])(from, to);
    } else {
      refuse(from);
    }
  }

  template <class C>
  void open_as(const command& from, std::optional<value_type>& to) {
    if (is_cast<C> != (from.header.call == 0)) {
      refuse(from);
    } else if constexpr (is_cast<C>) {
      open_cast<C>(from, to);
    } else {
      open_call<C>(from, to);
    }
  }

  template <class C>
  void open_cast(const command& from, std::optional<value_type>& to) {
    cast_ = from.hand;
    C content{};
    if (decode(from.content, content)) {
      to.emplace(envelope<C>{std::move(content)});
    } else {
      end_cast();
    }
  }

  template <class C>
  void open_call(const command& from, std::optional<value_type>& to) {
    bool begun = false;  // from then on its reply_box answers it, whatever happens
    try {
      C content{};
      if (!decode(from.content, content)) {
        refuse(from);
        return;
      }
      auto reply = detail::call_in_hand<reply_of<C>>::begin(core_, from);
      begun = true;
      to.emplace(envelope<C>{std::move(content), std::move(reply)});
    } catch (const std::exception& problem) {
      if (!begun) {
        refuse(from, problem.what());
      }
      throw;
    }
  }

  void refuse(const command& unread, std::string_view why = "the command is malformed") {
    if (unread.header.call == 0) {
      core_->finish(unread.hand);
    } else {
      core_->reply(unread.header, unread.hand, detail::reply_kind::failed,
                   detail::body::of_text(why));
    }
  }

  std::shared_ptr<detail::service_core> core_;
  std::optional<std::size_t> cast_;  // in hand
  bool redelivered_ = false;
};

}  // namespace millrace
