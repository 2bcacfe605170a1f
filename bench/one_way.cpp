// How many messages a second go from one process to another?
#include <benchmark/benchmark.h>

#include "harness/stream.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

template <channel C, touching Touching>
void ask(const char* question, std::size_t size) {
  const workload w = {.size = size, .depth = depth_for(size)};
  benchmark::RegisterBenchmark(name_of(question, C::name, size).c_str(),
                               benchmark_stream<C, Touching>, w)
      ->UseManualTime();
}

}  // namespace

void ask_one_way() {
  constexpr auto ours = shared_roles() + exclusive_roles();
  for (const std::size_t size : {8, 64, 1 << 10, 64 << 10, 1 << 20}) {
    for_each(machine() + ours + others(),
             [&]<class C> { ask<C, touching::ends>("one_way", size); });
    for_each(machine() + ours + list<boost_queue>(),
             [&]<class C> { ask<C, touching::lines>("one_way_in_place", size); });
  }
}

}  // namespace bench
