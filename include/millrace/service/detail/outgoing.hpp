// A command without its type, on its way out of a client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <millrace/box/protocol.hpp>
#include <millrace/service/detail/frame.hpp>
#include <millrace/service/detail/kept_reply.hpp>

namespace millrace::detail {

struct outgoing {
  std::uint32_t place;  // in its protocol
  const body& content;
  std::uint64_t number = 0;
  kept_reply* reply = nullptr;  // none: a cast
};

template <class Protocol, class C>
struct place_of;
template <class... Cs, class C>
struct place_of<protocol<Cs...>, C> {
  static constexpr std::uint32_t value = [] {
    std::uint32_t place = 0;
    static_cast<void>(((std::is_same_v<Cs, C> || (++place, false)) || ...));
    return place;
  }();
};

/// Calls send(outgoing) with the message's command. If that says false the message is as it was.
template <class... Cs, class Send>
bool send_out(protocol_message<Cs...>& message, Send send) {
  return message.visit([&]<class C, bool IsCast>(envelope<C, IsCast>& from) -> bool {
    constexpr auto place = place_of<protocol<Cs...>, C>::value;
    const body content(from.command);
    if constexpr (IsCast) {
      return send(outgoing{place, content});
    } else {
      const auto number = from.reply.id().value();
      kept_reply kept(std::move(from.reply));
      const bool sent = send(outgoing{place, content, number, &kept});
      if (!sent) {
        from.reply = kept.template take<reply_of<C>>();
      }
      return sent;
    }
  });
}

}  // namespace millrace::detail
