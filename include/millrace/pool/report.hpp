// What brokers and pools have to tell: events that they go on after. Nobody hears of them unless
// there is a hook.
#pragma once

#include <exception>
#include <string_view>
#include <utility>

namespace millrace {

enum class pool_event {
  key_exists,           // an initialize of a key that there is: ignored
  unknown_key,          // a dispatch to, or removal of, a key that there is not: ignored
  receiving_threw,      // broker: a message was lost as its move out of the box threw
  demultiplexer_threw,  // broker: the message was dropped
  creator_threw,        // broker: there is no resource
  handler_threw,        // broker: the resource was cleaned up and removed
  cleaner_threw,        // broker: the resource was removed anyway
  not_started,          // pool: no worker, as its box, coroutine or thread could not be made; with
                        // no error: as the pool was stopped
  not_delivered,        // pool: a worker's box was full or closed; the worker was removed
  worker_threw,         // pool: a worker's callback ended so
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(pool_event e) noexcept {
  switch (e) {
  case pool_event::key_exists:
    return "key_exists";
  case pool_event::unknown_key:
    return "unknown_key";
  case pool_event::receiving_threw:
    return "receiving_threw";
  case pool_event::demultiplexer_threw:
    return "demultiplexer_threw";
  case pool_event::creator_threw:
    return "creator_threw";
  case pool_event::handler_threw:
    return "handler_threw";
  case pool_event::cleaner_threw:
    return "cleaner_threw";
  case pool_event::not_started:
    return "not_started";
  case pool_event::not_delivered:
    return "not_delivered";
  case pool_event::worker_threw:
    return "worker_threw";
  }
  return "unknown";
}

/// One event, for as long as the hook is called with it.
template <class Key>
struct pool_report {
  pool_event event;
  const Key* key;            // null: none is known
  std::exception_ptr error;  // what was thrown, if anything
};

struct ignore_reports {
  template <class Key>
  void operator()(const pool_report<Key>& /*unused*/) const noexcept {}
};

namespace detail {

/// Hooks cannot disturb: what one throws is dropped.
template <class Hook, class Key>
void tell(Hook& hook, pool_event event, const Key* key, std::exception_ptr error = {}) noexcept {
  try {
    hook(pool_report<Key>{event, key, std::move(error)});
  } catch (...) {
  }
}

}  // namespace detail

}  // namespace millrace
