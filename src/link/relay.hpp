// What a queue_forwarder and a queue_collector say to each other; link/queue_link.hpp says how it
// looks on the wire.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "link/frame.hpp"

namespace millrace::detail {

using forwarder_id = std::array<std::byte, 16>;

/// What comes after a letter never changes, as the other side may be of another version; what is
/// new has a new one. 'D' was a message by itself.
enum class relay_kind : char {
  messages = 'B',
  acknowledged = 'A',
  resend = 'R',
  too_large = 'L',
};

struct relay_frame {
  relay_kind kind;
  forwarder_id forwarder;
  std::uint64_t oldest;  // of messages
  std::uint64_t number;  // of the first one, if there are several
  std::span<const std::byte> messages;
};

/// Bytes in front of the first message's own.
inline constexpr std::size_t relay_head_size = 1 + sizeof(forwarder_id) + 3 * number_size;
/// No frame of several messages has more bytes: two of 64 KiB go together, as each packet may have
/// to wake somebody, but over a slow line an answer is not long in coming.
inline constexpr std::size_t relay_batch_size = std::size_t{130} << 10;
static_assert(2 * relay_batch_size / least_in_place < 64,
              "it must be possible to write one at once from where its messages lie, and Asio "
              "passes on up to 64 places");

/// Replaces what is in `to`.
inline void write_relay_frame(byte_vector& to, const relay_frame& f) {
  to.assign(1, static_cast<std::byte>(f.kind));
  to.insert(to.end(), f.forwarder.begin(), f.forwarder.end());
  if (f.kind == relay_kind::messages) {
    append_number(to, f.oldest);
  }
  append_number(to, f.number);
  to.insert(to.end(), f.messages.begin(), f.messages.end());
}

/// Nothing: it is none.
[[nodiscard]] inline std::optional<relay_frame> read_relay_frame(std::span<const std::byte> from) {
  constexpr std::size_t short_head = 1 + sizeof(forwarder_id) + number_size;
  if (from.size() < short_head) {
    return std::nullopt;
  }
  relay_frame f{static_cast<relay_kind>(from.front()), {}, 0, 0, {}};
  std::copy_n(from.begin() + 1, f.forwarder.size(), f.forwarder.begin());
  from = from.subspan(1 + f.forwarder.size());
  switch (f.kind) {
  case relay_kind::messages:
    if (from.size() < 2 * number_size) {
      return std::nullopt;
    }
    f.oldest = read_number(from);
    f.number = read_number(from.subspan(number_size));
    f.messages = from.subspan(2 * number_size);
    return f;
  case relay_kind::acknowledged:
  case relay_kind::resend:
  case relay_kind::too_large:
    f.number = read_number(from);
    return f;
  }
  return std::nullopt;
}

/// Takes the next one off the front of a frame's messages. Nothing: that was all, or it is none.
[[nodiscard]] inline std::optional<std::span<const std::byte>>
next_relay_message(std::span<const std::byte>& from) {
  if (from.size() < number_size) {
    return std::nullopt;
  }
  const std::uint64_t size = read_number(from);
  from = from.subspan(number_size);
  if (size > from.size()) {
    return std::nullopt;
  }
  const auto bytes = from.first(static_cast<std::size_t>(size));
  from = from.subspan(bytes.size());
  return bytes;
}

}  // namespace millrace::detail
