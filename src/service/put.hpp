// Putting a header and a value into a queue, and the names of reply queues.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

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

/// A number that nobody else has.
[[nodiscard]] std::uint64_t random_number();

}  // namespace millrace::detail
