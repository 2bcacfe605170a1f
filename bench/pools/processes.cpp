// What does it cost to ask a process? A request to a process_pool and its reply, beside a message
// there and one back over bare queues; and how many requests a second one and two workers answer.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <millrace/pool/process_pool.hpp>

#include "../harness/ask.hpp"
#include "../harness/measure.hpp"
#include "../harness/round_trips.hpp"
#include "../peers/millrace_queue.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

millrace::process_pool_options workers(std::size_t count, std::size_t size, int microseconds) {
  millrace::process_pool_options options;
  options.program = MILLRACE_BENCH_PROCESS_WORKER;
  options.arguments = {std::to_string(microseconds)};
  options.workers = count;
  options.capacity = std::max<std::size_t>(32 * size, std::size_t{1} << 20);
  return options;
}

void ask_once(millrace::process_pool& pool, std::uint64_t key, std::span<const std::byte> message,
              millrace::pending_reply& reply) {
  if (pool.send(key, message, reply) != millrace::status::ok)
    throw failure("a request was not sent");
}

void take(millrace::pending_reply& reply, std::size_t size, std::uint64_t number) {
  if (reply.wait() != millrace::status::ok ||
      reply.outcome() != millrace::reply_outcome::answered ||
      read_stamp(reply.bytes(), size).number != number)
    throw failure("a request was not answered");
}

/// The caller on one processor and the worker on another, as the bare queues' ends.
template <waiting Wait, std::size_t Size>
times pool_trips(std::uint64_t count) {
  shared<times> result;
  const auto body = [&] {
    auto options = workers(1, Size, 0);
    options.processors = {1};
    options.spin = Wait == waiting::spin ? 1min : 0min;
    millrace::process_pool pool(options);
    std::vector<std::byte> message(Size);
    millrace::pending_reply reply;
    *result = time_trips(count, [&](std::uint64_t number) {
      stamp(message, {0, false, number});
      ask_once(pool, 0, message, reply);
      take(reply, Size, number);
    });
  };
  run({{body, 0}});
  return *result;
}

/// Requests of so many keys as there are workers, up to 32 on the way.
template <std::size_t Size>
void requests(benchmark::State& state, std::size_t count, int microseconds) {
  constexpr std::size_t window = 32;
  measure(state, [&](std::uint64_t rounds) {
    millrace::process_pool pool(workers(count, Size, microseconds));
    std::vector<std::byte> message(Size);
    std::vector<millrace::pending_reply> replies(window);
    const auto go = [&](std::uint64_t from, std::uint64_t to) {
      for (std::uint64_t i = from; i < to + window; ++i) {
        auto& reply = replies[i % window];
        if (i >= from + window)
          take(reply, Size, i - window);
        if (i < to) {
          stamp(message, {0, false, i});
          ask_once(pool, i, message, reply);
        }
      }
    };
    go(0, window * count);
    const std::int64_t begin = now();
    go(window * count, window * count + rounds);
    return static_cast<double>(now() - begin) * 1e-9;
  });
}

template <std::size_t Size>
void ask_trips() {
  const auto register_trips = [](const char* question, const char* peer, auto trips) {
    benchmark::RegisterBenchmark(name_of(question, peer, Size).c_str(), benchmark_trips, trips)
        ->UseManualTime();
  };
  using millrace::role;
  register_trips("process_spinning", "queue_shared",
                 round_trips<millrace_queue<role::shared>, waiting::spin, Size>);
  register_trips("process_spinning", "queue_exclusive",
                 round_trips<millrace_queue<role::exclusive>, waiting::spin, Size>);
  register_trips("process_spinning", "pool", pool_trips<waiting::spin, Size>);
  register_trips("process_sleeping", "queue_shared",
                 round_trips<millrace_queue<role::shared>, waiting::sleep, Size>);
  register_trips("process_sleeping", "queue_exclusive",
                 round_trips<millrace_queue<role::exclusive>, waiting::sleep, Size>);
  register_trips("process_sleeping", "pool", pool_trips<waiting::sleep, Size>);
}

template <std::size_t Size>
void ask_requests() {
  for (const int microseconds : {0, 50}) {
    for (const std::size_t count : {1, 2}) {
      const std::string peer =
          "workers_" + std::to_string(count) + "_work_" + std::to_string(microseconds) + "us";
      benchmark::RegisterBenchmark(
          name_of("process_requests", peer.c_str(), Size).c_str(),
          [=](benchmark::State& state) { requests<Size>(state, count, microseconds); })
          ->UseManualTime();
    }
  }
}

}  // namespace

void ask() {
  ask_trips<64>();
  ask_trips<65536>();
  ask_requests<64>();
  ask_requests<65536>();
}

}  // namespace bench
