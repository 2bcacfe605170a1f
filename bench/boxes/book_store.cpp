// How long do 100,000 commands take, at one book store or ten?
#include "../workloads/book_store.hpp"

#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "../harness/ask.hpp"
#include "../harness/workload.hpp"
#include "questions.hpp"
#include "runners.hpp"

namespace bench {

namespace {

constexpr int total = 100'000;

void ask(const std::string& question, const std::string& what, auto run_on) {
  for (const auto& [name, threads] : runners) {
    benchmark::RegisterBenchmark(name_of(question.c_str(), name, what).c_str(),
                                 [run_on, threads = threads](benchmark::State& state) {
                                   measure_workload(state, [&] {
                                     return [run_on, runner = coroutine_runner(threads)] {
                                       run_on(runner.where());
                                     };
                                   });
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

template <class Text>
void ask_with(const char* suffix) {
  for (const auto& p : {book_store::parties{1, 1}, {10, 10}, {1000, 1}}) {
    ask(fmt::format("casts{}", suffix), fmt::format("{}:{}", p.donors, p.stores),
        [p](const millrace::scheduler& where) {
          book_store::run_casts<Text>(p, total, millrace::unlimited(), where);
        });
  }
  const book_store::market m;
  ask(fmt::format("calls{}", suffix), fmt::format("{}:{}:{}", m.donors, m.stores, m.customers),
      [m](const millrace::scheduler& where) {
        book_store::run_calls<Text>(m, millrace::unlimited(), where);
      });
}

}  // namespace

void ask_book_store() {
  ask_with<std::string_view>("");
  ask_with<std::string>("_strings");
}

}  // namespace bench
