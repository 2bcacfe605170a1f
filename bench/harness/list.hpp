// Lists of types, such as peers, and doing something for each of one.
#pragma once

namespace bench {

template <class... C>
struct list {};

template <class... C, class F>
void for_each(list<C...>, F f) {
  (f.template operator()<C>(), ...);
}

template <class... A, class... B>
constexpr list<A..., B...> operator+(list<A...>, list<B...>) {
  return {};
}

}  // namespace bench
