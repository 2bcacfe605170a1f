// How long do 100,000 messages take, from one party or many to one or many?
#include "../workloads/messages.hpp"

#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/workload.hpp"
#include "peers/all.hpp"
#include "questions.hpp"
#include "runners.hpp"

namespace bench {

namespace {

using messages::parties;

constexpr int total = 100'000;
constexpr parties all_parties[] = {{1, 1}, {10, 100}, {1000, 1}};

void ask(const std::string& question, const char* peer, const parties& p, auto prepare) {
  const auto what = fmt::format("{}:{}", p.senders, p.receivers);
  benchmark::RegisterBenchmark(
      name_of(question.c_str(), peer, what).c_str(),
      [prepare](benchmark::State& state) { measure_workload(state, prepare); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

template <class Text, class Policy>
void ask_coroutines(const std::string& question) {
  for (const parties& p : all_parties) {
    for (const auto& [name, threads] : runners) {
      ask(question, name, p, [p, threads = threads] {
        return [p, runner = coroutine_runner(threads)] {
          messages::run<Text>(p, total, box_policy<Policy>::value, runner.where());
        };
      });
    }
  }
}

template <class Text, class P>
void ask_threads(const std::string& question, const char* peer) {
  for (const parties& p : all_parties) {
    ask(question, peer, p, [p] { return [p] { messages::run_with_threads<Text, P>(p, total); }; });
  }
}

template <class Text>
void ask_with(const char* suffix) {
  using message = messages::message<Text>;
  const auto question = [&](const char* policy) { return fmt::format("{}{}", policy, suffix); };
  ask_coroutines<Text, millrace::unlimited>(question("messages_unlimited"));
  ask_coroutines<Text, millrace::blocking>(question("messages_blocking"));
  ask_coroutines<Text, millrace::waiting>(question("messages_waiting"));
  ask_threads<Text, unlimited_box<message>>(question("messages_unlimited"), "threads");
  ask_threads<Text, blocking_box<message>>(question("messages_blocking"), "threads");
  ask_threads<Text, waiting_box<message>>(question("messages_waiting"), "threads");
  for_each(blocking_queues<message>(), [&]<class P> {
    ask_threads<Text, P>(
        question(std::string_view(P::name) == "tbb" ? "messages_blocking" : "messages_unlimited"),
        P::name);
  });
}

}  // namespace

void ask_messages() {
  ask_with<std::string_view>("");
  ask_with<std::string>("_strings");
}

}  // namespace bench
