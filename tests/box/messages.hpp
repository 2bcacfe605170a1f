// Messages that notice when they are lost, doubled or moved from.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace test {

/// Counts how many of its kind live.
struct counted {
  static inline std::atomic<int> alive = 0;
  int value;

  explicit counted(int v) : value(v) { ++alive; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(counted&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~counted() { --alive; }
};

/// Throws when it is moved for the last time that it was told to survive.
struct fragile {
  int value;
  int moves_left;

  fragile(int v, int moves) : value(v), moves_left(moves) {}
  fragile(fragile&& other) : value(other.value), moves_left(other.moves_left - 1) {
    if (other.moves_left == 0) {
      throw std::runtime_error("fragile");
    }
  }
  fragile& operator=(fragile&&) = default;
};

/// From which input, and which of its messages.
struct numbered_message {
  std::uint32_t sender;
  std::uint32_t number;
};

}  // namespace test
