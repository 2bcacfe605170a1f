// The body of a benchmark whose iterations are messages, pairs or round trips: all of them are one
// run, which processes of its own do and time.
#pragma once

#include <cstdint>
#include <exception>

#include <benchmark/benchmark.h>

namespace bench {

/// `seconds_for(count)` does it `count` times. What it throws is the answer to why there is none.
template <class Run>
void measure(benchmark::State& state, Run seconds_for) {
  try {
    while (state.KeepRunningBatch(state.max_iterations))
      state.SetIterationTime(seconds_for(static_cast<std::uint64_t>(state.max_iterations)));
  } catch (const std::exception& e) {
    state.SkipWithError(e.what());
    return;
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace bench
