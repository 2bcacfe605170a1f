// What is explored in one go: who takes part, what they send, and which faults may strike.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::interleaving {

/// One thing a publisher does: a message, a batch of several, or a claim that it gives up.
struct item {
  std::vector<std::uint8_t> spans;  // one a message
  bool aborted = false;
  [[nodiscard]] bool batch() const { return spans.size() > 1; }
  [[nodiscard]] std::uint32_t span() const {
    std::uint32_t n = 0;
    for (const auto s : spans) {
      n += s;
    }
    return n;
  }
  std::uint8_t first_message = 0;  // number of its first message, counted over all publishers
};

struct configuration {
  static constexpr int any = -1;

  std::string name;
  unsigned slots_log2 = 2;
  std::uint64_t first_lap = 0xffff'ffff;  // the last before a word's lap wraps
  std::vector<std::vector<item>> publishers;
  unsigned subscribers = 2;

  bool exclusive_publisher = false;
  bool exclusive_subscriber = false;
  bool once = false;         // a message whose reader died is dropped
  bool reborn = false;       // who died and was recovered comes back under the same id; so do
                             // subscribers that left
  bool sleeping = false;     // who finds nothing to do sleeps on a semaphore
  bool small_first = false;  // the first subscriber first offers a buffer for one slot's bytes
  bool shortcuts = false;    // the paths for short messages are tried first
  std::uint8_t copying = 0;  // so many subscribers want copies, the others loans
  std::uint8_t hold = 1;     // messages a subscriber holds at once, while there are more

  // How often each of these may happen in one schedule, at any moment.
  std::uint8_t kills = 0;
  std::uint8_t freezes = 0;
  std::uint8_t revocations = 0;  // of claims whose owner is running
  std::uint8_t returns = 0;      // messages given back
  std::uint8_t departures = 0;   // of subscribers with messages in their hands
  std::uint8_t hint_falls = 0;   // both hints go a lap back
  std::uint8_t slices = 0;       // sleeps that end although nobody was in the way of a permit

  /// How often a process may be interrupted while it has something to do; `any`: no bound. Deaths
  /// interrupt for nothing.
  int preemptions = any;

  [[nodiscard]] unsigned slots() const { return 1U << slots_log2; }
  [[nodiscard]] unsigned processes() const {
    return static_cast<unsigned>(publishers.size()) + subscribers;
  }
  [[nodiscard]] bool publishes(unsigned who) const { return who < publishers.size(); }
};

/// A publisher's items from their short form: "1 2+1 !3" is a message of one slot, a batch of two,
/// and a claim of three slots given up.
[[nodiscard]] std::vector<item> items(std::string_view text);

/// Numbers the messages of all publishers.
[[nodiscard]] configuration numbered(configuration c);

}  // namespace millrace::interleaving
