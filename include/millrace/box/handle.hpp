// Opening a message: calling the handler's function for the command in it.
#pragma once

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include <millrace/box/protocol.hpp>
#include <millrace/box/reply.hpp>

namespace millrace {

/// An overload set of lambdas, one for each command.
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

namespace detail {

template <class Handler, class C>
consteval bool handles_command() {
  if constexpr (is_cast<C>) {
    static_assert(
        std::invocable<Handler&, C>,
        "the handler has no function for this command: it needs one that takes (Command&&)");
    return std::invocable<Handler&, C>;
  } else {
    static_assert(
        std::invocable<Handler&, C, reply_box<reply_of<C>>>,
        "the handler has no function for this command: it needs one that takes (Command&&, "
        "reply_box<R>), R being what the command returns");
    return std::invocable<Handler&, C, reply_box<reply_of<C>>>;
  }
}

template <class Handler, class C>
struct handled {
  using type = std::invoke_result_t<Handler&, C, reply_box<reply_of<C>>>;
};
template <class Handler, class C>
requires is_cast<C>
struct handled<Handler, C> {
  using type = std::invoke_result_t<Handler&, C>;
};

/// Of a function that ends with `return reply_to(...)`, its caller need not know that.
template <class Handler, class C>
using handled_as =
    std::conditional_t<std::is_same_v<typename handled<Handler, C>::type, reply_status>, void,
                       typename handled<Handler, C>::type>;

template <class Handler, class First, class... Cs>
struct handler_result {
  using type = handled_as<Handler, First>;
  static_assert(
      (std::is_same_v<type, handled_as<Handler, Cs>> && ...),
      "the functions of a handler must all return the same type (or reply_status or void)");
};

template <class Result, class Handler, class C>
Result open(envelope<C>& content, Handler& handler) {
  if constexpr (is_cast<C>) {
    return static_cast<Result>(handler(std::move(content.command)));
  } else {
    try {
      return static_cast<Result>(handler(std::move(content.command), std::move(content.reply)));
    } catch (const std::exception& problem) {
      static_cast<void>(fail(content.reply, problem.what()));
      throw;
    } catch (...) {
      static_cast<void>(fail(content.reply, handler_threw));
      throw;
    }
  }
}

}  // namespace detail

/// Calls the handler's function for the command in the message, and returns what it returns. The
/// handler is an overload set, or an object with several operator(), one for each command:
///
///   (Command&&) or (const Command&)      of a cast
///   (Command&&, reply_box<R>)            of a call; it may keep the box, or give it to others
///
/// If a function throws, so does this; the call fails with the exception's text if the function
/// took its box as reply_box<R>&&, else without. Coroutines take boxes by value. A message is
/// opened once, and must last as long as the coroutine, if the functions return such: they get
/// references.
template <class... Cs, class Handler>
auto handle(protocol_message<Cs...>&& message, Handler&& handler) {
  if constexpr ((detail::handles_command<Handler, Cs>() && ...)) {
    using result_type = typename detail::handler_result<Handler, Cs...>::type;
    return message.visit(
        [&](auto& content) { return detail::open<result_type>(content, handler); });
  }
}

}  // namespace millrace
