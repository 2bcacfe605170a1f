// How long does it take one thread to enqueue a message and dequeue it again?
#include <benchmark/benchmark.h>

#include "harness/measure.hpp"
#include "harness/pace.hpp"
#include "harness/processes.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

template <channel C>
double pairs(std::size_t size, std::uint64_t count) {
  const C c(workload{.size = size, .depth = depth_for(size)});
  shared<std::int64_t> nanoseconds;
  const auto body = [&] {
    typename C::receiver receiver(c, 0);
    typename C::sender sender(c, 0);
    std::vector<std::byte> sent(size), received(size);
    spinner spin(patience(1, C::has_threads));
    const auto once = [&](std::uint64_t number) {
      sent.front() = static_cast<std::byte>(number);
      while (!sender.send(sent))
        spin.pause();
      std::optional<std::size_t> got;
      while (!(got = receiver.receive(received)))
        spin.pause();
      if (*got != size || received.front() != sent.front())
        throw failure("another message arrived");
    };
    for (std::uint64_t i = 0; i < 1000; ++i)
      once(i);
    const std::int64_t begin = now();
    for (std::uint64_t i = 0; i < count; ++i)
      once(i);
    *nanoseconds = now() - begin;
  };
  run({{body, C::has_threads ? any_cpu : 0}});
  return static_cast<double>(*nanoseconds) * 1e-9;
}

template <channel C>
void benchmark_pair(benchmark::State& state, std::size_t size) {
  measure(state, [&](std::uint64_t count) { return pairs<C>(size, count); });
}

}  // namespace

void ask_pair() {
  for (const std::size_t size : {3u, 50u})
    for_each(shared_roles() + exclusive_roles() + others(), [&]<class C> {
      benchmark::RegisterBenchmark(name_of("pair", C::name, size).c_str(), benchmark_pair<C>, size)
          ->UseManualTime();
    });
}

}  // namespace bench
