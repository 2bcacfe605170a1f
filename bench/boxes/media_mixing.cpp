// How long does it take to mix the media of 1,000 groups?
#include "../workloads/media_mixing.hpp"

#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/workload.hpp"
#include "questions.hpp"
#include "runners.hpp"

namespace bench {

void ask_media_mixing() {
  const media_mixing::size s;
  for (const auto& [name, threads] : runners) {
    benchmark::RegisterBenchmark(
        name_of("media_mixing", name, fmt::format("{}:{}:{}", s.dsps, s.groups, s.members)).c_str(),
        [s, threads = threads](benchmark::State& state) {
          measure_workload(state, [&] {
            return
                [s, runner = coroutine_runner(threads)] { media_mixing::run(s, runner.where()); };
          });
        })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace bench
