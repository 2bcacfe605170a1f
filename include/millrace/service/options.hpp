// How a service is served and called.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

#include <millrace/queue/options.hpp>

namespace millrace {

struct service_options {
  /// Of the queue of calls, as in queue_options. 0: as there.
  std::size_t capacity = 0;
  std::filesystem::path directory = {};
  /// What becomes of the calls that a server had in its hands when it died:
  ///   at_least_once  the next server gets them, and replies; their callers wait for that
  ///   at_most_once   their callers get command_errc::closed
  /// An existing queue must have been made with the same.
  delivery guarantee = delivery::at_least_once;
  std::chrono::nanoseconds spin = std::chrono::microseconds(20);
  unsigned permissions = 0600;
};

struct client_options {
  std::filesystem::path directory = {};
  /// How long making a client waits for the service to be there.
  std::chrono::nanoseconds connect_within = std::chrono::seconds(5);
  /// How long casting and call_async wait for room in the queue of calls.
  std::chrono::nanoseconds send_within = std::chrono::seconds(1);
  /// Of its reply queue, as in queue_options. A reply can have up to half.
  std::size_t capacity = std::size_t{256} * 1024;
  std::chrono::nanoseconds spin = std::chrono::microseconds(20);
  unsigned permissions = 0600;
};

}  // namespace millrace
