// What boxes are compared with: a queue between threads, with one small interface.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bench {

/// Room in peers that have a limit.
inline constexpr std::size_t box_limit = 256;

/// P<T>::sender(peer) is a thread's end for sending. send and receive wait as the peer does;
/// `receive(use)` calls `use(message)`, with a message that it may change.
template <class P>
concept box_peer = std::default_initializable<P> &&
    requires(P& peer, typename P::sender& sender, typename P::value_type&& message,
             void (*use)(typename P::value_type&)) {
  { P::name } -> std::convertible_to<const char*>;
  requires std::constructible_from<typename P::sender, P&>;
  sender.send(static_cast<typename P::value_type&&>(message));
  peer.receive(use);
};

}  // namespace bench
