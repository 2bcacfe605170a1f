// How many messages a second go from one process to another? Copied in and out; written and read in
// place; and small ones through a buffer that is much deeper.
#include <benchmark/benchmark.h>

#include "harness/ask.hpp"
#include "harness/stream.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

template <channel C, touching Touching>
void ask(const char* question, std::size_t size, std::size_t depth) {
  const workload w = {.size = size, .depth = depth};
  benchmark::RegisterBenchmark(name_of(question, C::name, size).c_str(),
                               benchmark_stream<C, Touching>, w)
      ->UseManualTime();
}

}  // namespace

void ask_one_way() {
  constexpr auto ours = shared_roles() + exclusive_roles();
  constexpr auto few = machine() + ours + list<boost_queue>();
  for (const std::size_t size : {8u, 64u, 1u << 10, 64u << 10, 1u << 20}) {
    for_each(machine() + ours + others(),
             [&]<class C> { ask<C, touching::ends>("one_way", size, depth_for(size)); });
    for_each(few,
             [&]<class C> { ask<C, touching::lines>("one_way_in_place", size, depth_for(size)); });
  }
  for (const std::size_t size : {8u, 64u})
    for_each(few, [&]<class C> { ask<C, touching::ends>("one_way_deep", size, 4096); });
}

}  // namespace bench
