// What a pointer to a member function says about it.
#pragma once

#include <tuple>
#include <type_traits>

namespace millrace::detail {

template <class F>
struct member_function;

template <class R, class C, class... P>
struct member_function<R (C::*)(P...)> {
  static_assert((... &&
                 (!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>)),
                "what a request brings goes to the item, and does not come back: take it by value "
                "or by const reference, and return what is to come back");
  using result = std::remove_cvref_t<R>;
  /// What must be kept until the call.
  using arguments = std::tuple<std::remove_cvref_t<P>...>;

  template <class F, class Item>
  static decltype(auto) call(F function, Item& item, arguments& with) {
    return std::apply(
        [&](auto&... each) -> R { return (item.*function)(static_cast<P&&>(each)...); }, with);
  }
};
template <class R, class C, class... P>
struct member_function<R (C::*)(P...) const> : member_function<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct member_function<R (C::*)(P...) noexcept> : member_function<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct member_function<R (C::*)(P...) const noexcept> : member_function<R (C::*)(P...)> {};

template <auto F>
using result_of = typename member_function<decltype(F)>::result;

}  // namespace millrace::detail
