// What a request to an item of a pool costs: in batches of 1,000 over 1,000 items on two threads,
// and one at a time; and a hundred thousand items made, asked three times each, and shut down.
// Times are by the wall. The peer is what one would write by hand: threads with a queue of
// functions, a mutex and a condition variable, and a promise for each request.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <ranges>
#include <thread>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include <millrace/pool/item_pool.hpp>

namespace {

constexpr std::size_t threads = 2;
constexpr std::uint64_t items = 1000;

class counter {
 public:
  std::uint64_t add(std::uint64_t n) { return total_ += n; }
  using requests = millrace::request_list<&counter::add>;

 private:
  std::uint64_t total_ = 0;
};
using add = millrace::request<&counter::add>;

/// One request to each of the items from `first` on.
auto requests_from(std::uint64_t first) {
  return std::views::iota(first, first + items) |
         std::views::transform([](std::uint64_t id) { return add(id, 1u); });
}
auto inits_from(std::uint64_t first) {
  return std::views::iota(first, first + items) |
         std::views::transform([](std::uint64_t id) { return millrace::init_request<>(id); });
}

template <class Responses>
bool all_ok(Responses responses) {
  std::uint64_t ok = 0;
  for (auto& r : responses) {
    ok += r.ok() ? 1 : 0;
  }
  return ok == items;
}

void batches(benchmark::State& state) {
  millrace::item_pool<counter> pool(threads);
  if (!all_ok(pool.send_and_receive(inits_from(0)))) {
    state.SkipWithError("no items");
  }
  for (auto _ : state) {
    if (!all_ok(pool.send_and_receive(requests_from(0)))) {
      state.SkipWithError("a request failed");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

void single(benchmark::State& state) {
  millrace::item_pool<counter> pool(threads);
  pool.init(0).value();
  std::uint64_t sum = 0;
  for (auto _ : state) {
    sum = pool.send_and_receive_once(add(0, 1u)).value();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}

void lives(benchmark::State& state) {
  constexpr std::uint64_t many = 100'000;
  for (auto _ : state) {
    millrace::item_pool<counter> pool(threads);
    bool ok = true;
    for (std::uint64_t first = 0; first < many; first += items) {
      ok = all_ok(pool.send_and_receive(inits_from(first))) && ok;
    }
    for (std::uint64_t i = 0; i < 3 * many; i += items) {
      ok = all_ok(pool.send_and_receive(requests_from(i % many))) && ok;
    }
    if (pool.shutdown().size() != many || !ok) {
      state.SkipWithError("a request failed");
    }
  }
}

/// By hand.
class function_thread {
 public:
  function_thread() = default;
  function_thread(const function_thread&) = delete;
  function_thread& operator=(const function_thread&) = delete;
  ~function_thread() { post({}); }

  void post(std::function<void()> f) {
    {
      const std::lock_guard lock(mutex_);
      functions_.push_back(std::move(f));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> f;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !functions_.empty(); });
        f = std::move(functions_.front());
        functions_.pop_front();
      }
      if (!f) {
        return;
      }
      f();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> functions_;
  std::jthread thread_{[this] { work(); }};
};

struct counters_by_hand {
  std::unordered_map<std::uint64_t, counter> on_thread[threads];
  function_thread thread[threads];  // last, as these use the others

  counters_by_hand() {
    for (std::uint64_t id = 0; id < items; ++id) {
      on_thread[id % threads].try_emplace(id);
    }
  }
  std::future<std::uint64_t> add(std::uint64_t id) {
    auto answer = std::make_shared<std::promise<std::uint64_t>>();
    auto result = answer->get_future();
    thread[id % threads].post(
        [this, id, answer] { answer->set_value(on_thread[id % threads].at(id).add(1)); });
    return result;
  }
};

void batches_by_hand(benchmark::State& state) {
  counters_by_hand pool;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    std::vector<std::future<std::uint64_t>> answers;
    for (std::uint64_t id = 0; id < items; ++id) {
      answers.push_back(pool.add(id));
    }
    for (auto& each : answers) {
      sum += each.get();
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

void single_by_hand(benchmark::State& state) {
  counters_by_hand pool;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    sum += pool.add(0).get();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK(batches)->Name("item_pool/batches_of_1000/millrace")->UseRealTime();
BENCHMARK(batches_by_hand)->Name("item_pool/batches_of_1000/by_hand")->UseRealTime();
BENCHMARK(single)->Name("item_pool/single/millrace")->UseRealTime();
BENCHMARK(single_by_hand)->Name("item_pool/single/by_hand")->UseRealTime();
BENCHMARK(lives)
    ->Name("item_pool/100000_items/millrace")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
