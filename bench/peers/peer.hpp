// The small interface behind which everything that is compared stands.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace bench {

enum class waiting {
  spin,   // a call answers at once, the caller repeats it
  sleep,  // a call blocks the way the peer blocks
};

/// What a channel is made for. Every peer gets room for the same number of messages where it lets
/// us choose: `depth`.
struct workload {
  std::size_t size;  // bytes of each message
  std::size_t depth;
  unsigned senders = 1;
  unsigned receivers = 1;
  waiting wait = waiting::spin;
};

/// A buffer of ordinary size, up to 1 MiB (but 8 messages), which both CPUs' caches hold. The
/// deeper a queue, the less its two ends are in each other's way: see one_way_deep.
constexpr std::size_t depth_for(std::size_t size) noexcept {
  return std::clamp<std::size_t>((std::size_t{1} << 20) / size, 8, 256);
}

/// A channel leads messages one way, from its senders to its receivers. It is made before the
/// processes are, who then open their ends of it, receivers first; it is destroyed when they are
/// gone, and removes what it left in the system. All of them throw bench::failure.
template <class C>
concept channel = std::constructible_from<C, const workload&> &&
    std::constructible_from<typename C::sender, const C&, unsigned> &&
    std::constructible_from<typename C::receiver, const C&, unsigned> &&
    requires(typename C::sender& sender, typename C::receiver& receiver,
             std::span<const std::byte> message, std::span<std::byte> buffer) {
  { C::name } -> std::convertible_to<const char*>;
  // Which way of waiting streams faster here, by measurement.
  { C::streams_by } -> std::convertible_to<waiting>;
  // Its processes have threads of the peer's own besides: they are not pinned.
  { C::has_threads } -> std::convertible_to<bool>;
  // False: no room, only when spinning.
  { sender.send(message) } -> std::same_as<bool>;
  // The message's size; nothing: none there, only when spinning.
  { receiver.receive(buffer) } -> std::same_as<std::optional<std::size_t>>;
};

/// A channel whose messages can be written and read where they lie. Both calls answer false for no
/// room and no message, and hand the bytes to the given function otherwise.
template <class C>
concept in_place_channel = channel<C> &&
    requires(typename C::sender& sender, typename C::receiver& receiver,
             void (*write)(std::span<std::byte>), void (*read)(std::span<const std::byte>)) {
  { sender.send_in_place(std::size_t{}, write) } -> std::same_as<bool>;
  { receiver.receive_in_place(read) } -> std::same_as<bool>;
};

}  // namespace bench
