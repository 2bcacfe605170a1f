// What stands before the bytes of each request and reply.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include <millrace/core/status.hpp>
#include <millrace/detail/copy.hpp>
#include <millrace/pool/process_pool.hpp>
#include <millrace/queue/publisher.hpp>

namespace millrace::detail {

/// `id`: the request's, by which its reply finds back. `about`: of a request, its key; of a reply,
/// how the request ended.
struct frame {
  std::uint64_t id;
  std::uint64_t about;

  static constexpr std::uint64_t redelivered = 256;
  [[nodiscard]] static constexpr std::uint64_t ending(reply_outcome how, bool again) noexcept {
    return static_cast<std::uint64_t>(how) | (again ? redelivered : 0);
  }
};
static_assert(sizeof(frame) == 16);

[[nodiscard]] inline std::optional<frame> frame_of(std::span<const std::byte> message) noexcept {
  if (message.size() < sizeof(frame)) {
    return std::nullopt;
  }
  frame f;
  std::memcpy(&f, message.data(), sizeof f);
  return f;
}

inline void write(std::span<std::byte> to, frame f, std::span<const std::byte> bytes) noexcept {
  std::memcpy(to.data(), &f, sizeof f);
  copy(to.data() + sizeof f, bytes.data(), bytes.size());
}

/// Publishes without waiting. Answers: ok, full, too_large, removed.
inline status try_publish(publisher& to, frame f, std::span<const std::byte> bytes) {
  // Put together here, a short message is published by the shortest of all ways; a long one is
  // written in place.
  constexpr std::size_t short_size = 112;
  if (bytes.size() <= short_size - sizeof f) [[likely]] {
    std::array<std::byte, short_size> whole;
    write(whole, f, bytes);
    return to.try_enqueue(std::span<const std::byte>(whole.data(), sizeof f + bytes.size()));
  }
  auto room = to.try_reserve(sizeof f + bytes.size());
  if (!room) {
    return to.last_status();
  }
  write(room->bytes(), f, bytes);
  return room->commit();
}

}  // namespace millrace::detail
