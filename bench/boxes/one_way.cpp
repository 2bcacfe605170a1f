// How long do 100,000 messages of about 300 bytes take from one thread to another one?
#include <array>
#include <latch>
#include <thread>

#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/workload.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

constexpr std::uint64_t total = 100'000;

struct message {
  std::uint64_t number;
  std::array<std::uint64_t, 36> more;
};
static_assert(sizeof(message) == 296);

template <box_peer P>
void stream(P& peer) {
  std::latch both(2);
  const std::jthread sending([&] {
    pin(1);
    typename P::sender sender(peer);
    both.arrive_and_wait();
    message m{};
    for (std::uint64_t i = 0; i < total; ++i) {
      m.number = i;
      sender.send(message(m));
    }
  });
  both.arrive_and_wait();
  for (std::uint64_t i = 0; i < total; ++i) {
    peer.receive([&](const message& m) {
      if (m.number != i) {
        throw failure("another message arrived");
      }
      benchmark::DoNotOptimize(m.more.back());
    });
  }
}

template <box_peer P>
void benchmark_one_way(benchmark::State& state) {
  measure_workload(state, [] {
    pin(0);
    return [peer = std::make_unique<P>()] { stream(*peer); };
  });
}

}  // namespace

void ask_box_one_way() {
  for_each(boxes<message>() + blocking_queues<message>(), []<class P> {
    benchmark::RegisterBenchmark(name_of("box_one_way", P::name, sizeof(message)).c_str(),
                                 benchmark_one_way<P>)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  });
}

}  // namespace bench
