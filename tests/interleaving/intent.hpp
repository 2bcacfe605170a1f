// What a suspended process is about to do.
#pragma once

#include <cstdint>

namespace millrace::interleaving {

enum class act : std::uint8_t {
  nothing,
  load,
  store,
  exchange,
  add,
  rest,    // between two calls of the ring: go on, or clean up after somebody dead
  choose,  // one of several ways to use the ring
  post,    // a permit of a semaphore
  try_wait,
  sleep,   // until there is a permit, or the slice is over
  get_up,  // the end of a sleep
  unlock,  // the end of a recovery
  leave,
};

struct intent {
  act what;
  std::uint8_t options;  // choose: how many; post, try_wait, sleep: which semaphore
  std::uint8_t spare[6];
  const void* where;
  std::uint64_t from;  // exchange: what it expects
  std::uint64_t to;
};

}  // namespace millrace::interleaving
