// Commands: messages of which the compiler knows who replies, with what, and that each is handled.
//
//   struct donate { std::string title; using returns = millrace::fire_and_forget; };
//   struct buy    { std::string title; using returns = millrace::returns<bool>; };
//   using book_store = millrace::protocol<donate, buy>;
//
//   // at the store                                    // at a customer's
//   message_box<book_store::message> box;              auto store = box.new_input();
//   for (auto& m : box)                                bool sent = cast(store, donate{"Emma"});
//     handle(std::move(m), overloaded{                 auto sold = call(store, buy{"Emma"}, 1s);
//       [&](donate&& d) { ... },                       if (sold) ... *sold ...
//       [&](buy&& b, reply_box<bool> reply) {          else ... sold.error() ...
//         return reply_to(reply, ...); }});
//
// In a coroutine, with the inputs that co_await:
//
//   donate gift{"Emma"};
//   co_await cast(store, std::move(gift));
//
//   buy order{"Emma"};
//   auto reply = co_await call_async(store, order);
//   auto sold = co_await std::move(reply).on(pool);
//
// The command, like `store`, is made in a statement of its own since g++ 12 goes wrong if an
// aggregate that is more than plain bytes is made within an expression that has a co_await.
//
// An input of a box is one way to send commands; anything that is a command_sink is another. A
// transport only moves messages. One that leaves the process keeps the reply_box at home, by its
// id(), sends the command, and uses the box when the answer comes; at the other end it makes the
// call again, by call_async, and sends back what that replies. So replies need no transport of
// their own.
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <millrace/box/async_reply.hpp>
#include <millrace/box/detail/delivering.hpp>
#include <millrace/box/handle.hpp>
#include <millrace/box/protocol.hpp>
#include <millrace/box/reply.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace {

/// Takes messages of a protocol: moves from them only if it says true. `deliver` may also return an
/// awaitable of bool, as the coroutines' view of an input does; then cast, call_async and
/// delegate_call return awaitables of what they would return, to be awaited in the same expression,
/// since they keep references to what they were given. One whose `deliver` waits should also have
/// deliver_for(message, time, stop) and deliver_time(), as an input has: `call` needs them to wait
/// no longer than it was told. One that has replies to fetch, and would have the calling thread do
/// so while it waits, has caller(deadline, stop): that makes what a single `call` sends by, with
/// deliver(message), and waits by, with await(reply), which says whether the reply is ready.
template <class S>
concept command_sink = requires(std::remove_cvref_t<S>& sink,
                                typename std::remove_cvref_t<S>::value_type&& message) {
  typename std::remove_cvref_t<S>::value_type::protocol_type;
  sink.deliver(std::move(message));
};

namespace detail {

template <class Sink>
using message_for = typename std::remove_cvref_t<Sink>::value_type;

template <class Sink, class C>
inline constexpr bool knows = message_for<Sink>::protocol_type::template contains<C>;

template <class Sink, class C>
consteval bool may_cast() {
  static_assert(knows<Sink, C>, "this command is not in the protocol of the box it is sent to");
  static_assert(is_cast<C>, "this command returns a reply: call it, don't cast it");
  return knows<Sink, C> && is_cast<C>;
}

template <class Sink, class C>
consteval bool may_call() {
  static_assert(knows<Sink, C>, "this command is not in the protocol of the box it is sent to");
  static_assert(!is_cast<C>, "nobody replies to this command: cast it, don't call it");
  return knows<Sink, C> && !is_cast<C>;
}

template <class Sink, class C>
consteval bool may_wait_for() {
  constexpr bool waits = delivers_at_once<std::remove_cvref_t<Sink>, message_for<Sink>>;
  static_assert(waits,
                "call waits as a thread: in a coroutine, co_await call_async and then the reply");
  return waits && may_call<Sink, C>();
}

/// Gives back a command that was lent by std::move, if it has not been delivered.
template <class C, class Message>
void give_back(std::remove_reference_t<C>& command, Message& message) {
  if constexpr (std::is_assignable_v<C&, C> && !std::is_lvalue_reference_v<C>) {
    command = std::move(message.template get<C>().command);
  }
}

/// What a single call sends and waits by: no longer than that even if the sink would.
template <class Sink>
struct impatient_caller {
  using value_type = message_for<Sink>;

  Sink& sink;
  std::chrono::nanoseconds time;
  steady_time deadline;
  const std::stop_token& stop;

  bool deliver(value_type&& message) {
    if constexpr (requires { sink.deliver_for(std::move(message), sink.deliver_time(), stop); }) {
      return sink.deliver_for(std::move(message), std::min(time, sink.deliver_time()), stop);
    } else {
      return sink.deliver(std::move(message));
    }
  }
  template <class R>
  [[nodiscard]] bool await(async_reply<R>& reply) {
    return reply.wait_until(deadline, stop);
  }
};

template <class Sink>
[[nodiscard]] auto caller_of(Sink& sink, std::chrono::nanoseconds time,
                             const std::stop_token& stop) {
  const auto deadline = deadline_after(time);
  if constexpr (requires { sink.caller(deadline, stop); }) {
    return sink.caller(deadline, stop);
  } else {
    return impatient_caller<Sink>{sink, time, deadline, stop};
  }
}

}  // namespace detail

/// Sends a command that nobody replies to. False: not delivered; a command given by std::move is
/// given back. Throws what moving it throws.
template <command_sink Sink, class C>
[[nodiscard]] auto cast(Sink&& sink, C&& command) {
  using type = std::remove_cvref_t<C>;
  if constexpr (detail::may_cast<Sink, type>()) {
    using message = detail::message_for<Sink>;
    return detail::deliver(sink, message(envelope<type>{std::forward<C>(command)}),
                           [&command](bool delivered, message& m) {
                             if (!delivered) {
                               detail::give_back<C>(command, m);
                             }
                             return delivered;
                           });
  }
}

/// Sends a command and returns the async_reply to it. If it was not delivered, that is ready at
/// once with command_errc::could_not_enqueue, and a command given by std::move is given back.
/// Allocates nothing but, now and then, a slot for the reply that is then used for many. Throws
/// what moving the command throws.
template <command_sink Sink, class C>
[[nodiscard]] auto call_async(Sink&& sink, C&& command) {
  using type = std::remove_cvref_t<C>;
  if constexpr (detail::may_call<Sink, type>()) {
    using message = detail::message_for<Sink>;
    detail::new_call<reply_of<type>> made;
    return detail::deliver(
        sink, message(envelope<type>{std::forward<C>(command), std::move(made.box)}),
        [&command, reply = std::move(made.reply)](bool delivered, message& m) mutable {
          if (!delivered) {
            detail::new_call<reply_of<type>>::not_enqueued(m.template get<type>().reply);
            detail::give_back<C>(command, m);
          }
          return std::move(reply);
        });
  }
}

/// Sends a command and waits for the reply as a thread, both together no longer than `time` or
/// until a stop is asked for: a result<R, command_error>. Spins for a moment, then sleeps.
template <command_sink Sink, class C>
[[nodiscard]] auto call(Sink&& sink, C&& command, std::chrono::nanoseconds time,
                        const std::stop_token& stop = {}) {
  using type = std::remove_cvref_t<C>;
  if constexpr (detail::may_wait_for<Sink, type>()) {
    auto caller = detail::caller_of(sink, time, stop);
    auto reply = call_async(caller, std::forward<C>(command));
    const bool came = caller.await(reply);
    return reply.take_or_give_up(!came && stop.stop_requested() ? command_errc::cancelled
                                                                : command_errc::timed_out);
  }
}

/// Answers a call by a call of somebody else, who replies to the first caller. False: not
/// delivered; the call is still to be answered here, and a command given by std::move is given
/// back.
template <class R, command_sink Sink, class C>
[[nodiscard]] auto delegate_call(reply_box<R>& reply, Sink&& sink, C&& command) {
  using type = std::remove_cvref_t<C>;
  if constexpr (detail::may_call<Sink, type>()) {
    static_assert(std::is_same_v<reply_of<type>, R>,
                  "a call can be delegated only by a command that returns the same type");
    using message = detail::message_for<Sink>;
    return detail::deliver(sink,
                           message(envelope<type>{std::forward<C>(command), std::move(reply)}),
                           [&command, &reply](bool delivered, message& m) {
                             if (!delivered) {
                               reply = std::move(m.template get<type>().reply);
                               detail::give_back<C>(command, m);
                             }
                             return delivered;
                           });
  }
}

}  // namespace millrace
