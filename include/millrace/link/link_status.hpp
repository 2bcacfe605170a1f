// What becomes of a message that is sent over a link, and why a link drops a connection.
#pragma once

#include <string_view>

namespace millrace {

/// Ordinary outcomes, returned and never thrown.
enum class [[nodiscard]] link_status{
    ok,           // done
    refused,      // nobody listens at that address
    unreachable,  // no way there, or no answer to the attempt to connect within the link's time-out
    unresolved,   // not an address, or a name that nobody knows
    untrusted,  // TLS: one end does not accept the other's certificate, or the peer speaks no TLS,
                // or hung up before it had proved who it is; or what came was tampered with
    reset,      // the connection ended before any of the message was written; or, for a message
                // that was to be acknowledged or was posted, before that was certain
    short_write,  // the connection ended with a part of the message written: it has not arrived
    timeout,    // the peer took no bytes, or acknowledged nothing, for as long as the time-out; or
                // a post found no room within its time
    too_large,  // longer than the link's max_message_size
    cancelled,  // the given stop_token was asked to stop first
    closed,     // the link was closed
};

/// Why a connection ended; given to link_options::on_drop.
enum class drop_reason {
  closed_by_peer,  // the peer ended it between two messages; with TLS, it said so (close_notify)
  reset,           // it broke, maybe in the middle of a message
  not_a_message,   // something else than a bin or a str arrived, or no MessagePack at all
  too_large,       // a length above max_message_size was announced
  too_slow,   // a message, or the handshake or a record of TLS, was begun, and not gone on with
  untrusted,  // see link_status::untrusted
  too_many_handshakes,  // others connected while this one was in the middle of the handshake of TLS
  too_much_memory,      // unfinished messages fill the link's memory, and this had the largest
  unresponsive,         // the peer takes no bytes
  no_connection,        // an attempt to connect failed
  idle,                 // nothing was sent or received for as long as idle_after
  displaced,            // the pool was full, and this one had not been used for longest
  closed,               // the link was closed
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(link_status s) noexcept {
  switch (s) {
  case link_status::ok:
    return "ok";
  case link_status::refused:
    return "refused";
  case link_status::unreachable:
    return "unreachable";
  case link_status::unresolved:
    return "unresolved";
  case link_status::untrusted:
    return "untrusted";
  case link_status::reset:
    return "reset";
  case link_status::short_write:
    return "short_write";
  case link_status::timeout:
    return "timeout";
  case link_status::too_large:
    return "too_large";
  case link_status::cancelled:
    return "cancelled";
  case link_status::closed:
    return "closed";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(drop_reason r) noexcept {
  switch (r) {
  case drop_reason::closed_by_peer:
    return "closed_by_peer";
  case drop_reason::reset:
    return "reset";
  case drop_reason::not_a_message:
    return "not_a_message";
  case drop_reason::too_large:
    return "too_large";
  case drop_reason::too_slow:
    return "too_slow";
  case drop_reason::untrusted:
    return "untrusted";
  case drop_reason::too_many_handshakes:
    return "too_many_handshakes";
  case drop_reason::too_much_memory:
    return "too_much_memory";
  case drop_reason::unresponsive:
    return "unresponsive";
  case drop_reason::no_connection:
    return "no_connection";
  case drop_reason::idle:
    return "idle";
  case drop_reason::displaced:
    return "displaced";
  case drop_reason::closed:
    return "closed";
  }
  return "unknown";
}

}  // namespace millrace
