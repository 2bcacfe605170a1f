// The machine's limit for a round trip.
#pragma once

#include <atomic>

#include "../harness/processes.hpp"
#include "../harness/trips.hpp"

namespace bench {

/// A cache line that two processes write in turn, spinning.
inline times cache_line_trips(std::uint64_t count) {
  struct state {
    alignas(64) std::atomic<std::uint64_t> word = 0;
    alignas(64) times result;
  };
  shared<state> s;
  const auto wait_for = [&](std::uint64_t value, spinner& spin) {
    while (s->word.load(std::memory_order_acquire) != value)
      spin.pause();
  };
  const auto ask = [&] {
    spinner spin(patience(2, false));
    s->result = time_trips(count, [&](std::uint64_t number) {
      s->word.store(2 * number + 1, std::memory_order_release);
      wait_for(2 * number + 2, spin);
    });
  };
  const auto answer = [&] {
    spinner spin(patience(2, false));
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      wait_for(2 * i + 1, spin);
      s->word.store(2 * i + 2, std::memory_order_release);
    }
  };
  run({{ask, 0}, {answer, 1}});
  return s->result;
}

}  // namespace bench
