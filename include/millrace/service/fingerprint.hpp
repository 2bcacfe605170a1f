// What a protocol looks like on its way: names and shapes of its commands and replies, in words and
// as a number. Programs that were built with different ideas of it find out before they misread
// each other.
//
//   struct add { int a, b; using returns = millrace::returns<int>; };     add{i32,i32}->i32
//   struct note { std::string text; using returns = fire_and_forget; };   note{string}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <millrace/box/protocol.hpp>
#include <millrace/service/codec.hpp>

namespace millrace {
namespace detail {

/// The name without namespaces and template arguments, which compilers spell in different ways.
template <class T>
[[nodiscard]] std::string_view name_of_type() {
  const std::string_view all = __PRETTY_FUNCTION__;
  constexpr std::string_view before = "T = ";
  auto name = all.substr(all.find(before) + before.size());
  name = name.substr(0, name.find_first_of("<;]"));
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

template <class T>
[[nodiscard]] std::string shape_of();

template <class Tuple>
struct member_shapes;
template <class... Members>
struct member_shapes<std::tuple<Members...>> {
  [[nodiscard]] static std::string text() {
    std::string all;
    ((all += (all.empty() ? "" : ",") + shape_of<std::remove_reference_t<Members>>()), ...);
    return all;
  }
};

template <class T>
[[nodiscard]] std::string shape_of() {
  const auto bits = std::to_string(8 * sizeof(T));
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "f" + bits;
  } else if constexpr (std::is_integral_v<T>) {
    return (std::is_signed_v<T> ? "i" : "u") + bits;
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(name_of_type<T>()) + ":" + shape_of<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "string";
  } else if constexpr (sequence<T>) {
    return "[" + shape_of<typename T::value_type>() + "]";
  } else if constexpr (is_optional<T>) {
    return shape_of<typename T::value_type>() + "?";
  } else if constexpr (is_array<T>) {
    return "[" + shape_of<typename T::value_type>() + "]*" + std::to_string(std::tuple_size_v<T>);
  } else if constexpr (tuple_like<T>) {
    return "(" + member_shapes<decltype(std::tuple_cat(std::declval<T>()))>::text() + ")";
  } else if constexpr (with_fields<T>) {
    return std::string(name_of_type<T>()) + "{" +
           member_shapes<decltype(fields(std::declval<T&>()))>::text() + "}";
  } else if constexpr (plain<T>) {
    return std::string(name_of_type<T>()) + "#" + bits;
  } else {
    return std::string(name_of_type<T>()) + "{" +
           member_shapes<decltype(tie_fields(std::declval<T&>()))>::text() + "}";
  }
}
template <>
[[nodiscard]] inline std::string shape_of<void>() {
  return "nothing";
}

template <class C>
[[nodiscard]] std::string shape_of_command() {
  if constexpr (is_cast<C>) {
    return shape_of<C>();
  } else {
    return shape_of<C>() + "->" + shape_of<reply_of<C>>();
  }
}

template <class Protocol>
struct described;
template <class... Cs>
struct described<protocol<Cs...>> {
  [[nodiscard]] static std::string text() {
    std::string all;
    ((all += (all.empty() ? "" : "; ") + shape_of_command<Cs>()), ...);
    return all;
  }
};

}  // namespace detail

/// The commands of a protocol, in order.
template <class Protocol>
[[nodiscard]] std::string describe() {
  return detail::described<Protocol>::text();
}

/// FNV-1a, 64 bits, of a description.
[[nodiscard]] constexpr std::uint64_t fingerprint(std::string_view description) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : description) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace millrace
