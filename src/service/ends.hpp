// What both ends of a service do: putting a header and a value into a queue, naming reply queues,
// asking who lives.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/service/detail/frame.hpp>

namespace millrace::detail {

/// As publisher::try_enqueue. What is small is written here and copied, which is the queue's
/// fastest way; what is not is written where it will lie.
template <class Header>
status put(publisher& to, const Header& header, const body& content) {
  constexpr std::size_t small = 112;
  const auto write = [&](std::byte* at) {
    std::memcpy(at, &header, sizeof header);
    content.write(at + sizeof header);
  };
  const std::size_t size = sizeof header + content.size();
  if (size <= small) {
    std::array<std::byte, small> bytes;
    write(bytes.data());
    return to.try_enqueue(std::span<const std::byte>(bytes).first(size));
  }
  auto room = to.try_reserve(size);
  if (!room) {
    return to.last_status();
  }
  write(room->bytes().data());
  return room->commit();
}

[[nodiscard]] inline std::string reply_queue_prefix(std::string_view service) {
  return fmt::format("{}.reply.", service);
}
[[nodiscard]] inline std::string reply_queue_name(std::string_view service, std::uint64_t client) {
  return fmt::format("{}.reply.{:016x}", service, client);
}
/// The client whose reply queue it is.
[[nodiscard]] inline std::optional<std::uint64_t> client_of(std::string_view service,
                                                            std::string_view queue) {
  const std::string prefix = reply_queue_prefix(service);
  if (!queue.starts_with(prefix)) {
    return std::nullopt;
  }
  queue.remove_prefix(prefix.size());
  std::uint64_t client = 0;
  const auto [end, wrong] = std::from_chars(queue.data(), queue.data() + queue.size(), client, 16);
  return wrong == std::errc() && end == queue.data() + queue.size() ? std::optional(client)
                                                                    : std::nullopt;
}

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

/// Whether a handle of that side of the queue lives. If it cannot be said, it may.
[[nodiscard]] inline bool anybody_lives(std::string_view queue,
                                        const std::filesystem::path& directory, bool publishes) {
  try {
    const auto all = stat(queue, directory).participants;
    return std::any_of(all.begin(), all.end(), [publishes](const participant_info& one) {
      return one.publishes == publishes && one.alive;
    });
  } catch (const error& problem) {
    return problem.code() != errc::not_found;
  }
}

/// Whether there is no such queue.
[[nodiscard]] inline bool removed(std::string_view queue, const std::filesystem::path& directory) {
  try {
    (void)stat(queue, directory);
    return false;
  } catch (const error& problem) {
    return problem.code() == errc::not_found;
  }
}

/// How long either end sleeps before it asks whether the other one lives.
inline constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds(100);

/// A number that nobody else has.
[[nodiscard]] std::uint64_t random_number();

}  // namespace millrace::detail
