// The messages of a stream that were enqueued lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::detail {

/// Knows a message by its sequence in the stream and by when it was stored, so that it never takes
/// a new one for an old one, even if a stream was made anew and counts from 1. It forgets the
/// message whose place, by its sequence, a later one takes.
class recent_messages {
 public:
  struct identity {
    std::uint64_t sequence = 0;
    std::int64_t time = 0;
    bool operator==(const identity&) const = default;
  };

  [[nodiscard]] bool has(const identity& message) const { return at(message) == message; }
  void add(const identity& message) { places_[message.sequence % size] = message; }

 private:
  static constexpr std::size_t size = 65'536;
  [[nodiscard]] const identity& at(const identity& m) const { return places_[m.sequence % size]; }
  std::vector<identity> places_ = std::vector<identity>(size);
};

}  // namespace millrace::detail
