// How long does a message take to another process, and one back? Once with both processes spinning,
// once with both asleep until it comes.
#include <benchmark/benchmark.h>
#include <semaphore.h>

#include "harness/ask.hpp"
#include "harness/pace.hpp"
#include "harness/payload.hpp"
#include "harness/processes.hpp"
#include "harness/trips.hpp"
#include "peers/all.hpp"
#include "peers/raw_line.hpp"
#include "questions.hpp"

namespace bench {

namespace {

constexpr std::size_t message_size = 64;

/// A channel there and one back.
template <channel C, waiting Wait>
times round_trips(std::uint64_t count) {
  const workload w = {.size = message_size, .depth = 64, .wait = Wait};
  const C there(w);
  const C back(w);
  struct state {
    meeting receivers_open;
    meeting done;
    times result;
  };
  shared<state> s;
  const auto end = [&](const C& in, const C& out, auto talk) {
    return [&, talk] {
      typename C::receiver receiver(in, 0);
      s->receivers_open.arrive_and_wait_for(2);
      typename C::sender sender(out, 0);
      std::vector<std::byte> message(message_size);
      spinner spin(patience(2, C::has_threads));
      const auto send = [&](std::uint64_t number) {
        stamp(message, {0, false, number});
        while (!sender.send(message))
          spin.pause();
      };
      const auto receive = [&](std::uint64_t number) {
        std::optional<std::size_t> size;
        while (!(size = receiver.receive(message)))
          spin.pause();
        if (read_stamp(std::span(message.data(), *size), message_size).number != number)
          throw failure("another message arrived");
      };
      talk(send, receive);
      s->done.arrive_and_wait_for(2);
    };
  };
  const auto ask = [&](auto send, auto receive) {
    s->result = time_trips(count, [&](std::uint64_t number) {
      send(number);
      receive(number);
    });
  };
  const auto answer = [&](auto send, auto receive) {
    for (std::uint64_t i = 0; i < warm_up_trips + count; ++i) {
      receive(i);
      send(i);
    }
  };
  run({{end(back, there, ask), C::has_threads ? any_cpu : 0},
       {end(there, back, answer), C::has_threads ? any_cpu : 1}});
  return s->result;
}

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
  for_each(peers,
           []<class C> { ask("round_trip_spinning", C::name, round_trips<C, waiting::spin>); });
  ask("round_trip_sleeping", "raw", semaphore_trips);
  for_each(peers,
           []<class C> { ask("round_trip_sleeping", C::name, round_trips<C, waiting::sleep>); });
}

}  // namespace bench
