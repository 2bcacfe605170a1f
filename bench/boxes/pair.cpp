// How long does it take one thread to deliver a 64-bit integer and receive it again?
#include <latch>
#include <thread>

#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/measure.hpp"
#include "../harness/pace.hpp"
#include "../harness/processes.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

template <box_peer P>
void send_and_receive(P& peer, typename P::sender& sender, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    sender.send(std::uint64_t{i});
    peer.receive([i](const std::uint64_t& got) {
      if (got != i) {
        throw failure("another message arrived");
      }
    });
  }
}

template <box_peer P>
double pairs(std::uint64_t count) {
  shared<std::int64_t> nanoseconds;
  run({{[&] {
          // The C library spares a process with one thread the atomic operations of a mutex.
          std::latch end(1);
          const std::jthread other([&] { end.wait(); });
          P peer;
          typename P::sender sender(peer);
          send_and_receive(peer, sender, 1000);
          const std::int64_t begin = now();
          send_and_receive(peer, sender, count);
          *nanoseconds = now() - begin;
          end.count_down();
        },
        0}});
  return static_cast<double>(*nanoseconds) * 1e-9;
}

template <box_peer P>
void benchmark_pair(benchmark::State& state) {
  measure(state, pairs<P>);
}

}  // namespace

void ask_box_pair() {
  using message = std::uint64_t;
  for_each(boxes<message>() + spinning_queues<message>() + blocking_queues<message>(), []<class P> {
    benchmark::RegisterBenchmark(name_of("box_pair", P::name, sizeof(message)).c_str(),
                                 benchmark_pair<P>)
        ->UseManualTime();
  });
}

}  // namespace bench
