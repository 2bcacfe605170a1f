// Values as bytes, between processes of one machine.
//
//   numbers, bool, enumerations      their bytes
//   std::string, std::vector<T>      a length of 4 bytes, then the elements
//   std::optional<T>                 a bool, then the value if there is one
//   std::array, std::pair, std::tuple, and aggregates of up to 12 members
//                                    the elements or members, one after the other
//   classes that are copied by their bytes, such as std::chrono::duration
//                                    those; any bytes must be a value of it
//   your own types                   what this function of yours ties together, found by its
//                                    argument's namespace:
//                                      auto fields(point& p) { return std::tie(p.x, p.y); }
//
// Nothing is aligned or padded, and there are no tags: both sides must mean the same type, which
// the fingerprint of a protocol sees to (fingerprint.hpp). Written by hand since the libraries at
// hand read from streams or into trees of their own and believe the lengths that they read; here
// nothing is allocated but by the values themselves, and a length is read once, checked against
// what is there, then used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <millrace/service/detail/fields.hpp>

namespace millrace {
namespace detail {

/// The types, sorted by how they travel.
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

template <class T>
concept sequence = std::is_same_v<T, std::string> || is_vector<T>;
template <class T>
concept tuple_like = requires {
  std::tuple_size<T>::value;
}
&&!is_array<T>;
template <class T>
concept with_fields = requires(T& value) {
  fields(value);
};
/// An enumeration without a type of its own has not a value for each number.
template <class T>
concept whole_enum = std::is_enum_v<T> && requires {
  T{0};
};
/// Any bytes are a value. Not for what refers to others: pointers and views.
template <class T>
concept plain = (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) || whole_enum<T> ||
                (std::is_class_v<T> && std::is_trivially_copyable_v<T> && !std::is_aggregate_v<T> &&
                 !std::ranges::borrowed_range<T> && !tuple_like<T> && !is_optional<T> &&
                 !with_fields<T>);

using sequence_length = std::uint32_t;

/// What a value is passed through, member by member: one that counts its bytes, one that writes
/// them, one that reads them.
struct byte_counter {
  static constexpr bool reads = false;
  std::size_t size = 0;
  void bytes(const void*, std::size_t n) noexcept { size += n; }
};
struct byte_writer {
  static constexpr bool reads = false;
  std::byte* to;
  void bytes(const void* from, std::size_t n) noexcept {
    if (n != 0) {
      std::memcpy(to, from, n);
      to += n;
    }
  }
};
struct byte_reader {
  static constexpr bool reads = true;
  std::span<const std::byte> left;
  bool sound = true;  // once it is not, nothing more is read

  void bytes(void* to, std::size_t n) noexcept {
    if (n > left.size() || !sound) {
      sound = false;
    } else if (n != 0) {
      std::memcpy(to, left.data(), n);
      left = left.subspan(n);
    }
  }
  /// How many elements follow, each of `size` bytes at least.
  [[nodiscard]] std::size_t length(std::size_t size) noexcept {
    sequence_length n = 0;
    bytes(&n, sizeof n);
    sound = sound && n <= left.size() / size;
    return sound ? n : 0;
  }
};

template <class Pass, class T>
void pass(Pass& by, T& value);

template <class Pass, class T>
void pass_elements(Pass& by, T* first, std::size_t n) {
  if constexpr (plain<T>) {
    by.bytes(first, n * sizeof(T));
  } else {
    for (T& element : std::span(first, n)) {
      pass(by, element);
    }
  }
}

template <class Pass, class T>
void pass_sequence(Pass& by, T& value) {
  using element = typename T::value_type;
  static_assert(!std::is_same_v<T, std::vector<bool>>, "use std::vector<char> instead");
  static_assert(!std::is_empty_v<element>, "elements of nothing: send their number");
  if constexpr (!Pass::reads) {
    auto n = static_cast<sequence_length>(value.size());
    by.bytes(&n, sizeof n);
    pass_elements(by, value.data(), value.size());
  } else if constexpr (plain<element>) {
    value.resize(by.length(sizeof(element)));
    by.bytes(value.data(), value.size() * sizeof(element));
  } else {
    // One by one, so that a wrong length cannot make it larger than what is there to be read.
    value.clear();
    for (auto n = by.length(1); n != 0 && by.sound; --n) {
      pass(by, value.emplace_back());
    }
  }
}

template <class Pass, class T>
void pass_optional(Pass& by, T& value) {
  bool there = value.has_value();
  pass(by, there);
  if constexpr (Pass::reads) {
    value.reset();
    if (there) {
      value.emplace();
    }
  }
  if (value) {
    pass(by, *value);
  }
}

template <class Pass, class Tuple>
void pass_each(Pass& by, Tuple&& members) {
  std::apply([&by](auto&... member) { (pass(by, member), ...); }, members);
}

template <class Pass, class T>
void pass(Pass& by, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    auto byte = static_cast<std::uint8_t>(!Pass::reads && value);
    by.bytes(&byte, 1);
    if constexpr (Pass::reads) {
      value = byte == 1;
      by.sound = by.sound && byte <= 1;
    }
  } else if constexpr (sequence<T>) {
    pass_sequence(by, value);
  } else if constexpr (is_optional<T>) {
    pass_optional(by, value);
  } else if constexpr (is_array<T>) {
    pass_elements(by, value.data(), value.size());
  } else if constexpr (tuple_like<T>) {
    pass_each(by, value);
  } else if constexpr (with_fields<T>) {
    pass_each(by, fields(value));
  } else if constexpr (plain<T>) {
    by.bytes(&value, sizeof value);
  } else {
    static_assert(std::is_aggregate_v<T>,
                  "the codec does not know this type: give it a function fields(T&) that ties its "
                  "members together");
    pass_each(by, tie_fields(value));
  }
}

}  // namespace detail

/// How many bytes encode() will write. `value` is not changed by either; it is no constant since
/// fields() is one function for both ways.
template <class T>
[[nodiscard]] std::size_t encoded_size(T& value) {
  detail::byte_counter counter;
  detail::pass(counter, value);
  return counter.size;
}

/// REQUIRES: room for encoded_size(value) bytes.
template <class T>
void encode(T& value, std::byte* to) {
  detail::byte_writer writer{to};
  detail::pass(writer, value);
}

/// False: these are not the bytes of a T, all of them and no more; `value` is valid then, and
/// anything. Takes bytes from anybody; allocates no more than in proportion to them.
template <class T>
[[nodiscard]] bool decode(std::span<const std::byte> bytes, T& value) {
  detail::byte_reader reader{bytes};
  detail::pass(reader, value);
  return reader.sound && reader.left.empty();
}

}  // namespace millrace
