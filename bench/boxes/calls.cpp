// How long does a call take, from being made to its reply? Between two coroutines on one thread,
// and between two threads that spin.
#include <thread>

#include <benchmark/benchmark.h>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "../harness/ask.hpp"
#include "../harness/processes.hpp"
#include "../harness/trips.hpp"
#include "../harness/workload.hpp"
#include "../peers/raw_line.hpp"
#include "../workloads/must.hpp"
#include "peers/millrace_box.hpp"
#include "questions.hpp"
#include "runners.hpp"

namespace bench {

namespace {

using millrace::reply_box;
using millrace::task;

struct next {
  std::uint64_t number;
  using returns = millrace::returns<std::uint64_t>;
};
using counting = millrace::protocol<next>;
using counter_box = millrace::message_box<counting::message, millrace::blocking>;

auto reply_with_next(next&& n, reply_box<std::uint64_t> reply) {
  return reply_to(reply, n.number + 1);
}

// --- coroutines

task<> reply_to_all(counter_box box, const millrace::scheduler& where) {
  auto inbox = box.on(where);
  while (auto message = co_await inbox.receive()) {
    handle(std::move(*message), reply_with_next);
  }
}

/// Goes on with a caller on the scheduler.
struct scheduled {
  static constexpr const char* name = "coroutines_1";
  template <class R>
  static auto reply(millrace::async_reply<R>& reply, const millrace::scheduler& where) {
    return std::move(reply).on(where);
  }
};
/// Goes on with a caller within reply_to.
struct within_reply {
  static constexpr const char* name = "coroutines_1_inline";
  template <class R>
  static auto&& reply(millrace::async_reply<R>& reply, const millrace::scheduler&) {
    return std::move(reply);
  }
};

template <class How>
task<> call_often(counter_box::input_type input, std::uint64_t count,
                  const millrace::scheduler& where) {
  auto in = input.on(where);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto reply = co_await call_async(in, next{i});
    const auto result = co_await How::reply(reply, where);
    must(result && *result == i + 1, "another reply arrived");
  }
}

template <class How>
double calls_of_coroutines(std::uint64_t count) {
  shared<std::int64_t> nanoseconds;
  run({{[&] {
          const coroutine_runner runner(1);
          const auto& where = runner.where();
          const auto call = [&](std::uint64_t times) {
            counter_box box(box_policy<millrace::blocking>::value);
            auto input = box.new_input();
            millrace::task_group both(where);
            both.spawn(reply_to_all(std::move(box), where));
            both.spawn(call_often<How>(std::move(input), times, where));
            both.wait();
          };
          call(1000);
          const std::int64_t begin = now();
          call(count);
          *nanoseconds = now() - begin;
        },
        any_cpu}});
  return static_cast<double>(*nanoseconds) * 1e-9;
}

template <class How>
void ask_coroutines() {
  benchmark::RegisterBenchmark(
      name_of("call", How::name, "1:1").c_str(),
      [](benchmark::State& state) { measure(state, calls_of_coroutines<How>); })
      ->UseManualTime();
}

// --- threads

times calls_of_threads(std::uint64_t count) {
  shared<times> result;
  run({{[&] {
          counter_box box(box_policy<millrace::blocking>::value);
          std::jthread caller([&result, count, in = box.new_input()]() mutable {
            pin(1);
            *result = time_trips(count, [&](std::uint64_t number) {
              const auto reply = call(in, next{number}, std::chrono::seconds(5));
              must(reply && *reply == number + 1, "another reply arrived");
            });
          });
          for (auto& message : box) {
            handle(std::move(message), reply_with_next);
          }
        },
        0}});
  return *result;
}

}  // namespace

void ask_calls() {
  ask_coroutines<scheduled>();
  ask_coroutines<within_reply>();
  const auto ask_spinning = [](const char* peer, times (*trips)(std::uint64_t)) {
    benchmark::RegisterBenchmark(name_of("call_spinning", peer, "1:1").c_str(), benchmark_trips,
                                 trips)
        ->UseManualTime();
  };
  ask_spinning("raw", cache_line_trips);
  ask_spinning("millrace_blocking", calls_of_threads);
}

}  // namespace bench
