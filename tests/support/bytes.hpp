// Bytes for messages, and how to read them back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace test {

using bytes = std::vector<std::byte>;

/// `size` bytes that differ from place to place and from seed to seed.
inline bytes pattern(std::size_t size, std::uint64_t seed = 0) {
  bytes result(size);
  std::uint64_t x = seed * 0x9E3779B97F4A7C15u + 1;
  for (std::size_t i = 0; i < size; i += sizeof x) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t mixed = x ^ (x >> 32);
    std::memcpy(result.data() + i, &mixed, std::min(sizeof mixed, size - i));
  }
  return result;
}

inline bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string as_text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// A number as a message and back.
inline bytes numbered(std::uint32_t number, std::size_t size = sizeof(std::uint32_t)) {
  bytes result(size);
  for (std::size_t i = 0; i < sizeof number && i < size; ++i) {
    result[i] = static_cast<std::byte>(number >> (8 * i));
  }
  return result;
}

inline std::uint32_t number_of(std::span<const std::byte> data) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < sizeof number && i < data.size(); ++i) {
    number |= static_cast<std::uint32_t>(data[i]) << (8 * i);
  }
  return number;
}

}  // namespace test
