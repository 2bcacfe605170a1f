// How long does a message take to another process, and one back? Once with both processes spinning,
// once with both asleep until it comes.
#include <benchmark/benchmark.h>
#include <semaphore.h>

#include "harness/ask.hpp"
#include "harness/processes.hpp"
#include "harness/round_trips.hpp"
#include "harness/trips.hpp"
#include "peers/all.hpp"
#include "peers/raw_line.hpp"
#include "questions.hpp"

namespace bench {

namespace {

constexpr std::size_t message_size = 64;

/// The machine's limit, sleeping: two semaphores.
times semaphore_trips(std::uint64_t count) {
  struct state {
    sem_t there;
    sem_t back;
    times result;
  };
  shared<state> s;
  sem_init(&s->there, 1, 0);
  sem_init(&s->back, 1, 0);
  const auto wait_on = [](sem_t& semaphore) {
    while (sem_wait(&semaphore) != 0) {
    }
  };
  const auto ask = [&] {
    s->result = time_trips(count, [&](std::uint64_t) {
      sem_post(&s->there);
      wait_on(s->back);
    });
  };
  const auto answer = [&] {
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      wait_on(s->there);
      sem_post(&s->back);
    }
  };
  run({{ask, 0}, {answer, 1}});
  return s->result;
}

void ask(const char* question, const char* peer, times (*trips)(std::uint64_t)) {
  benchmark::RegisterBenchmark(name_of(question, peer, message_size).c_str(), benchmark_trips,
                               trips)
      ->UseManualTime();
}

}  // namespace

void ask_round_trip() {
  constexpr auto peers = shared_roles() + exclusive_roles() + others();
  ask("round_trip_spinning", "raw", cache_line_trips);
  for_each(peers, []<class C> {
    ask("round_trip_spinning", C::name, round_trips<C, waiting::spin, message_size>);
  });
  ask("round_trip_sleeping", "raw", semaphore_trips);
  for_each(peers, []<class C> {
    ask("round_trip_sleeping", C::name, round_trips<C, waiting::sleep, message_size>);
  });
}

}  // namespace bench
