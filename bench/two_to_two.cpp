// How many messages a second go from two processes to two others, which share one channel?
#include <benchmark/benchmark.h>

#include "harness/ask.hpp"
#include "harness/stream.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

void ask_two_to_two() {
  for (const std::size_t size : {8u, 64u}) {
    const workload w = {.size = size, .depth = depth_for(size), .senders = 2, .receivers = 2};
    for_each(shared_roles() + others(), [&]<class C> {
      benchmark::RegisterBenchmark(name_of("two_to_two", C::name, size).c_str(),
                                   benchmark_stream<C, touching::ends>, w)
          ->UseManualTime();
    });
  }
}

}  // namespace bench
