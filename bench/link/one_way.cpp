// How many messages a second go over TCP from one process to another?
#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/list.hpp"
#include "../harness/stream.hpp"
#if MILLRACE_BENCH_ZEROMQ
#include "../peers/zeromq.hpp"
#endif
#if MILLRACE_BENCH_NNG
#include "../peers/nanomsg.hpp"
#endif
#include "link_channel.hpp"
#include "questions.hpp"
#include "queue_link_channel.hpp"

namespace bench {

void ask_link_one_way() {
  constexpr auto peers = list<link_channel, queue_link_channel>()
#if MILLRACE_BENCH_ZEROMQ
                         + list<zeromq_tcp>()
#endif
#if MILLRACE_BENCH_NNG
                         + list<nanomsg_tcp>()
#endif
      ;
  for (const std::size_t size : {64u, 1u << 10, 64u << 10}) {
    // The link has a MiB at one end and as much as it likes at the other.
    const workload w = {.size = size, .depth = 2 * (1u << 20) / size};
    for_each(peers, [&]<class C> {
      benchmark::RegisterBenchmark(name_of("link_one_way", C::name, size).c_str(),
                                   benchmark_stream<C, touching::ends>, w)
          ->UseManualTime();
    });
  }
}

}  // namespace bench
