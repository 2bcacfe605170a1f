// A map from keys that can be hashed, or else ordered.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <type_traits>
#include <unordered_map>

namespace millrace {

template <class Key>
concept hashable_key = std::equality_comparable<Key> && requires(const Key& key) {
  { std::hash<Key>{}(key) } -> std::convertible_to<std::size_t>;
};
template <class Key>
concept ordered_key = requires(const Key& a, const Key& b) {
  { a < b } -> std::convertible_to<bool>;
};

/// What brokers and pools find things by: anything that has std::hash and ==, or else <. REQUIRES:
/// each finds itself again, as numbers do that are no NaN.
template <class Key>
concept pool_key = std::copy_constructible<Key> &&(hashable_key<Key> || ordered_key<Key>);

namespace detail {

template <class Key, class Value>
struct keyed_map_of {
  using type = std::map<Key, Value>;
};
template <hashable_key Key, class Value>
struct keyed_map_of<Key, Value> {
  using type = std::unordered_map<Key, Value>;
};
template <pool_key Key, class Value>
using keyed_map = typename keyed_map_of<Key, Value>::type;

}  // namespace detail

}  // namespace millrace
