// The calling end of a service, in any process of the machine. Commands, cast, call and their
// results are those of boxes (box/command.hpp):
//
//   struct add { int a, b; using returns = millrace::returns<int>; };
//   using calculator = millrace::protocol<add>;
//
//   millrace::client<calculator> desk("calculator");
//   auto sum = call(desk, add{1, 2}, 1s);            // *sum, or sum.error(): code, call id, why
//   auto later = call_async(desk, add{3, 4});        // wait_for, try_take, co_await
//   bool passed_on = delegate_call(reply, desk, add{5, 6});
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/box/command.hpp>
#include <millrace/service/detail/client_core.hpp>
#include <millrace/service/detail/outgoing.hpp>
#include <millrace/service/fingerprint.hpp>
#include <millrace/service/options.hpp>

namespace millrace {

/// Sends commands to whoever serves the queue of that name: a command_sink. Replies come over a
/// queue of its own, which goes when it goes, however that happens.
///
/// A call ends exactly once: in the reply; in `failed`, with what the handler said; in `timed_out`
/// or `cancelled`, the reply being dropped when it comes; in `could_not_enqueue`; or in `closed`,
/// if its reply_box was dropped, if the server died or left and the service is at_most_once, or if
/// the queue was removed and its server has left. Whether the command was carried out is then
/// unknown, and what still waited in the queue is carried out by the next server. If the service is
/// at_least_once the next server replies instead; it may carry out a command again that the dead
/// one had carried out.
///
/// Thread-safety: any number of threads send and call at the same time. The thread in `call` takes
/// the reply from the queue itself; what call_async and delegate_call are waiting for is taken by
/// a thread of the client's, and by it also the replies of calls at the same time. What a coroutine
/// does within a reply must not `call` the same client. All calls are over before the client's end.
///
/// Sending allocates nothing, once there were as many calls at a time as there will be. Throws
/// millrace::error as the queue does: errc::corrupted, errc::forked. The copy of a forked child may
/// be dropped there, which changes nothing for its parent.
template <class Protocol>
class client {
 public:
  using value_type = typename Protocol::message;

  /// Waits until the service is there, and greets it. Throws millrace::error: not_found if nobody
  /// serves the queue in time, protocol_mismatch if that one's commands are not those of Protocol,
  /// saying what was expected and found, and what opening queues throws.
  explicit client(std::string_view name, const client_options& options = {})
      : core_(new detail::client_core(name, options, describe<Protocol>())) {}

  /// For cast, call_async and delegate_call. False: there was no room in time, or a service of
  /// another protocol has come.
  bool deliver(value_type&& message, const std::stop_token& stop = {}) {
    return detail::send_out(
        message, [&](const detail::outgoing& command) { return core_->send(command, stop); });
  }

  /// For call: one command that a thread sends, and whose reply it then waits for.
  class caller_type {
   public:
    using value_type = typename Protocol::message;

    bool deliver(value_type&& message) {
      return detail::send_out(
          message, [this](const detail::outgoing& command) { return call_.send(command); });
    }
    template <class R>
    [[nodiscard]] bool await(async_reply<R>& reply) {
      return call_.wait_until([&reply] { return reply.ready(); });
    }

   private:
    friend client;
    caller_type(detail::client_core& core, std::chrono::steady_clock::time_point deadline,
                const std::stop_token& stop)
        : call_(core, deadline, stop) {}
    detail::client_core::attended_call call_;
  };
  [[nodiscard]] caller_type caller(std::chrono::steady_clock::time_point deadline,
                                   const std::stop_token& stop) {
    return caller_type(*core_, deadline, stop);
  }

 private:
  std::unique_ptr<detail::client_core, detail::client_core::release> core_;
};

}  // namespace millrace
