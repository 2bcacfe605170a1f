// What commands are, and which ones a box takes: its protocol.
//
//   struct donate { std::string title; using returns = millrace::fire_and_forget; };
//   struct buy    { std::string title; using returns = millrace::returns<bool>; };
//
//   using book_store = millrace::protocol<donate, buy>;
//   millrace::message_box<book_store::message> store;
//
// A command is any movable type; how it returns may also be said from outside, by specialising
// command_traits.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/box/reply.hpp>

namespace millrace {

/// Of a command that nobody replies to: it is cast.
struct fire_and_forget {};

/// Of a command that is called: the reply is an R, or, if that is void, only that it is done.
template <class R = void>
struct returns {
  using type = R;
};

/// How C returns: fire_and_forget or returns<R>.
template <class C>
struct command_traits {
  static_assert(
      requires { typename C::returns; },
      "a command must say how it returns: give it a member `using returns = "
      "millrace::fire_and_forget` or `millrace::returns<R>`, or specialise "
      "millrace::command_traits");
  using returns = typename C::returns;
};

namespace detail {

template <class Other>
struct reply_of_return {
  static_assert(sizeof(Other) == 0,
                "a command returns millrace::fire_and_forget or millrace::returns<R>");
  using type = void;
};
template <class R>
struct reply_of_return<returns<R>> {
  using type = R;
};

}  // namespace detail

template <class C>
inline constexpr bool is_cast =
    std::is_same_v<typename command_traits<C>::returns, fire_and_forget>;

/// What a call of C returns.
template <class C>
using reply_of = typename detail::reply_of_return<typename command_traits<C>::returns>::type;

/// A command under way; a called one with the box for its reply.
template <class C, bool IsCast = is_cast<C>>
struct envelope {
  C command;
};
template <class C>
struct envelope<C, false> {
  C command;
  reply_box<reply_of<C>> reply;
};

template <class... Cs>
struct protocol;

/// What travels: any one command of a protocol. Movable. See handle() in command.hpp for opening
/// it; a transport that leaves the process does that by visit().
template <class... Cs>
class protocol_message {
 public:
  using protocol_type = protocol<Cs...>;

  template <class C>
  explicit protocol_message(envelope<C>&& content)
      : content_(std::in_place_type<envelope<C>>, std::move(content)) {}

  /// Calls `visitor` with the envelope, an lvalue, and returns what it returns.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) {
    return std::visit(std::forward<Visitor>(visitor), content_);
  }

  /// REQUIRES: it carries a C.
  template <class C>
  [[nodiscard]] envelope<C>& get() noexcept {
    return *std::get_if<envelope<C>>(&content_);
  }

 private:
  std::variant<envelope<Cs>...> content_;
};

/// A set of commands.
template <class... Cs>
struct protocol {
 private:
  template <class C>
  static constexpr int times_named = (int{std::is_same_v<C, Cs>} + ...);

 public:
  static_assert(sizeof...(Cs) != 0, "a protocol needs a command");
  static_assert(((times_named<Cs> == 1) && ...), "a protocol names each command once");

  using message = protocol_message<Cs...>;

  template <class C>
  static constexpr bool contains = (std::is_same_v<C, Cs> || ...);
};

}  // namespace millrace
