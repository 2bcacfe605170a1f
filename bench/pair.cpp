// How long does it take one thread to enqueue a message and dequeue it again?
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "harness/ask.hpp"
#include "harness/measure.hpp"
#include "harness/pace.hpp"
#include "harness/processes.hpp"
#include "peers/all.hpp"
#include "questions.hpp"

namespace bench {

namespace {

// Different messages, written beforehand: a copy would else wait for the bytes of its message to
// reach the cache, which takes long beside what is measured here.
constexpr std::size_t written = 16;

/// `messages` holds the bytes of all of them.
template <class Sender, class Receiver>
void send_and_receive(Sender& sender, Receiver& receiver, std::span<const std::byte> messages,
                      std::span<std::byte> received, std::uint64_t count, spinner& spin) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto sent = messages.subspan(i % written * received.size(), received.size());
    while (!sender.send(sent))
      spin.pause();
    std::optional<std::size_t> got;
    while (!(got = receiver.receive(received)))
      spin.pause();
    if (*got != sent.size() || received.front() != sent.front())
      throw failure("another message arrived");
  }
}

template <channel C>
double pairs(std::size_t size, std::uint64_t count) {
  const C c(workload{.size = size, .depth = depth_for(size)});
  shared<std::int64_t> nanoseconds;
  const auto body = [&] {
    typename C::receiver receiver(c, 0);
    typename C::sender sender(c, 0);
    std::vector<std::byte> messages(written * size), received(size);
    for (std::size_t i = 0; i < messages.size(); ++i)
      messages[i] = static_cast<std::byte>(i / size);
    spinner spin(patience(1, C::has_threads));
    send_and_receive(sender, receiver, messages, received, 1000, spin);
    const std::int64_t begin = now();
    send_and_receive(sender, receiver, messages, received, count, spin);
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
