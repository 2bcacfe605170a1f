// The members of an aggregate as a tuple of references, found out without its help: how many
// initialisers it takes, then a structured binding of as many names.
#pragma once

#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

namespace millrace::detail {

inline constexpr std::size_t most_fields = 12;

/// Converts to any member's type, but not to the aggregate itself: that would be a copy.
template <class Aggregate>
struct any_field {
  template <class T>
  requires(!std::is_same_v<T, Aggregate>) operator T() const {  // NOLINT: implicit
    std::terminate();                                           // never called
  }
};

template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires {
    T{(static_cast<void>(I), any_field<T>())...};
  };
}

template <class T, std::size_t N = most_fields + 1>
consteval std::size_t field_count() {
  if constexpr (takes<T>(std::make_index_sequence<N>())) {
    return N;
  } else {
    static_assert(N != 0, "an aggregate whose members cannot be counted: give it fields()");
    return field_count<T, N - 1>();
  }
}

/// References to the members, in order. An array of C as a member counts as its elements and is not
/// understood.
template <class T>
[[nodiscard]] auto tie_fields(T& v) noexcept {
  constexpr auto n = field_count<T>();
  static_assert(n <= most_fields, "an aggregate of more than 12 members: give it fields()");
  if constexpr (n == 0) {
    return std::tie();
  } else if constexpr (n == 1) {
    auto& [a] = v;
    return std::tie(a);
  } else if constexpr (n == 2) {
    auto& [a, b] = v;
    return std::tie(a, b);
  } else if constexpr (n == 3) {
    auto& [a, b, c] = v;
    return std::tie(a, b, c);
  } else if constexpr (n == 4) {
    auto& [a, b, c, d] = v;
    return std::tie(a, b, c, d);
  } else if constexpr (n == 5) {
    auto& [a, b, c, d, e] = v;
    return std::tie(a, b, c, d, e);
  } else if constexpr (n == 6) {
    auto& [a, b, c, d, e, f] = v;
    return std::tie(a, b, c, d, e, f);
  } else if constexpr (n == 7) {
    auto& [a, b, c, d, e, f, g] = v;
    return std::tie(a, b, c, d, e, f, g);
  } else if constexpr (n == 8) {
    auto& [a, b, c, d, e, f, g, h] = v;
    return std::tie(a, b, c, d, e, f, g, h);
  } else if constexpr (n == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = v;
    return std::tie(a, b, c, d, e, f, g, h, i);
  } else if constexpr (n == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = v;
    return std::tie(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (n == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = v;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (n == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = v;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
  }
}

}  // namespace millrace::detail
