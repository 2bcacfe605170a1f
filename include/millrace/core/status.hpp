// What an operation on a queue can answer. These are ordinary outcomes, so they are returned, never
// thrown; failures to set up are thrown as millrace::error (core/error.hpp).
#pragma once

#include <string_view>

namespace millrace {

enum class [[nodiscard]] status{
    ok,                // done
    full,              // no room now for a message of this size
    empty,             // nothing to deliver now
    timeout,           // the given time passed first
    cancelled,         // the given stop_token was asked to stop first
    too_large,         // the message can never fit into this queue
    buffer_too_small,  // the caller's buffer is shorter than the message, which stays in the queue
    removed,           // the queue was removed while this handle was attached to it
    closed,            // a box that was closed, or has no inputs, and nothing left in it
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(status s) noexcept {
  switch (s) {
  case status::ok:
    return "ok";
  case status::full:
    return "full";
  case status::empty:
    return "empty";
  case status::timeout:
    return "timeout";
  case status::cancelled:
    return "cancelled";
  case status::too_large:
    return "too_large";
  case status::buffer_too_small:
    return "buffer_too_small";
  case status::removed:
    return "removed";
  case status::closed:
    return "closed";
  }
  return "unknown";
}

}  // namespace millrace
