// What a publisher and a subscriber do in a stress test, in a process or a thread of their own.
#pragma once

#include <cstdint>
#include <string>

#include <millrace/queue/options.hpp>

#include "stress/ledger.hpp"

namespace stress {

struct job {
  std::string queue;
  millrace::queue_options options;
  std::uint32_t id;  // of a publisher: its row in the ledger
  std::uint64_t seed;
  bool loans_only;  // subscriber: never let the library finish a message by itself
};

/// Sends its row's messages, by every call there is, until it has sent them all or is told to stop.
void publish(const job& j, ledger& book);
/// Receives, by every call there is, until told to stop and nothing is left.
void subscribe(const job& j, ledger& book);

}  // namespace stress
