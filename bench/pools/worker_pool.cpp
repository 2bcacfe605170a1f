// Pools: what it costs to start keyed workers, to send to them, and to stop them. Benchmarks are
// named question/peer/threads/...; see bench/README.md.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <latch>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include "peers/asio_strands.hpp"
#include "peers/millrace_pool.hpp"
#include "peers/mutex_pool.hpp"

namespace {

struct letter {
  int number;
  std::array<char, 296> text;
};

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

/// As the benchmark of rio-process-pool: two rounds, each of new workers that get so many messages,
/// all of one worker's in a row; each worker says when it has got its last one.
template <template <class, class> class Pool, class Message>
void messages(benchmark::State& state) {
  const auto threads = static_cast<std::size_t>(state.range(0));
  const auto each = static_cast<int>(state.range(1));
  const auto workers = static_cast<int>(state.range(2));
  const int rounds = static_cast<int>(state.range(3));
  for (auto _ : state) {
    std::unique_ptr<std::latch> done;
    const auto handle = [&](int /*key*/, Message&& m) {
      benchmark::DoNotOptimize(m);
      if (m.number == each - 1) {
        done->count_down();
      }
    };
    Pool<Message, decltype(handle)> pool(threads, handle);
    for (int round = 0; round < rounds; ++round) {
      done = std::make_unique<std::latch>(workers);
      for (int k = 0; k < workers; ++k) {
        pool.start(round * workers + k);
      }
      for (int k = 0; k < workers; ++k) {
        for (int i = 0; i < each; ++i) {
          pool.send(round * workers + k, Message{i, {}});
        }
      }
      done->wait();
    }
    pool.finish();
  }
  state.SetItemsProcessed(state.iterations() * rounds * workers * each);
}

std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t in_memory = 0;
  statm >> all >> in_memory;
  return in_memory * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct number {
  std::int64_t value;
};

/// How workers' lives overlap: each gets its messages and is stopped before the next one is
/// started; or all of them are there at once, and get theirs in a row, or one in each of three
/// rounds.
enum lives_of {
  one_by_one,
  at_once,
  at_once_in_rounds
};

/// Workers that get three messages each and are stopped. `MB`: how much more memory is in use while
/// all are there.
template <template <class, class> class Pool>
void lives(benchmark::State& state) {
  const auto threads = static_cast<std::size_t>(state.range(0));
  const auto workers = static_cast<int>(state.range(1));
  const auto how = static_cast<lives_of>(state.range(2));
  double most = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ::malloc_trim(0);
    const std::size_t before = resident();
    state.ResumeTiming();
    std::atomic<std::int64_t> sum = 0;
    const auto handle = [&](int /*key*/, number&& m) {
      sum.fetch_add(m.value, std::memory_order_relaxed);
    };
    Pool<number, decltype(handle)> pool(threads, handle);
    for (int k = 0; k < workers; ++k) {
      pool.start(k);
      for (int i = 1; i <= 3 && how != at_once_in_rounds; ++i) {
        pool.send(k, number{i});
      }
      if (how == one_by_one) {
        pool.stop(k);
      }
    }
    for (int i = 1; i <= 3 && how == at_once_in_rounds; ++i) {
      for (int k = 0; k < workers; ++k) {
        pool.send(k, number{i});
      }
    }
    if (how != one_by_one) {
      state.PauseTiming();
      most = std::max(most, static_cast<double>(resident()) - static_cast<double>(before));
      state.ResumeTiming();
      for (int k = 0; k < workers; ++k) {
        pool.stop(k);
      }
    }
    pool.finish();
    if (sum != std::int64_t{6} * workers) {
      fail("messages were lost");
    }
  }
  state.SetItemsProcessed(state.iterations() * workers);
  if (how != one_by_one) {
    state.counters["MB"] = most / 1e6;
  }
}

template <template <class, class> class Pool>
void ask(const std::string& peer) {
  const auto with = [](benchmark::internal::Benchmark* b) {
    b->UseRealTime()->Unit(benchmark::kMillisecond);
    return b;
  };
  auto* const letters =
      with(benchmark::RegisterBenchmark(("letters/" + peer).c_str(), messages<Pool, letter>));
  letters->ArgNames({"threads", "each", "workers", "rounds"});
  for (const int each : {10, 50}) {
    for (const int workers : {500, 1000}) {
      for (const int threads : {1, 2}) {
        letters->Args({threads, each, workers, 2});
      }
    }
  }
  struct small {
    int number;
    std::array<char, 4> text;
  };
  with(benchmark::RegisterBenchmark(("small/" + peer).c_str(), messages<Pool, small>))
      ->ArgNames({"threads", "each", "workers", "rounds"})
      ->Args({1, 100, 1000, 1})
      ->Args({2, 100, 1000, 1});
  with(benchmark::RegisterBenchmark(("lives/" + peer).c_str(), lives<Pool>))
      ->ArgNames({"threads", "workers", "how"})
      ->ArgsProduct({{1, 2}, {100'000}, {one_by_one, at_once, at_once_in_rounds}});
}

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) {
    return 2;
  }
  ask<bench::millrace_pool>("millrace");
  ask<bench::asio_strands>("asio");
  ask<bench::mutex_pool>("mutex");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
