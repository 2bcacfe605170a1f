// The body of a benchmark whose iterations are whole workloads of many parties: a process of its
// own runs one to warm up, then all that are timed.
#pragma once

#include <cstdint>

#include "measure.hpp"
#include "pace.hpp"
#include "processes.hpp"

namespace bench {

/// `prepare()` returns what runs the workload once; what it sets up is not timed.
template <class Prepare>
void measure_workload(benchmark::State& state, Prepare prepare) {
  measure(state, [&](std::uint64_t count) {
    shared<std::int64_t> nanoseconds;
    run({{[&] {
            auto run_once = prepare();
            run_once();
            const std::int64_t begin = now();
            for (std::uint64_t i = 0; i < count; ++i) {
              run_once();
            }
            *nanoseconds = now() - begin;
          },
          any_cpu}});
    return static_cast<double>(*nanoseconds) * 1e-9;
  });
}

}  // namespace bench
