// How long after a process was killed does a survivor get the next message? Its death is told by a
// lock that the kernel drops late in a process's end, so a victim with much memory takes longer.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <millrace/millrace.hpp>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ask.hpp"
#include "harness/measure.hpp"
#include "harness/pace.hpp"
#include "harness/processes.hpp"
#include "questions.hpp"

namespace bench {

namespace {

enum class victim {
  publisher,   // in the middle of writing, with a finished message behind
  subscriber,  // with a message in its hands
};

enum class survivor {
  polling,  // repeats a call that answers at once
  blocked,  // asleep in the call, for up to a slice of 100 ms
};

struct state {
  std::atomic<std::uint64_t> ready = 0;   // victims that hold what they are to be killed with
  std::atomic<std::uint64_t> begun = 0;   // samples that the survivor may wait for
  std::atomic<std::uint64_t> done = 0;    // deliveries
  std::atomic<std::int64_t> arrived = 0;  // when the latest one was
};

void wait_until(const std::atomic<std::uint64_t>& count, std::uint64_t value) {
  while (count.load() < value)
    std::this_thread::yield();
}

/// A queue whose claims are not gone around: only its owner's death ends one.
class deaf_queue {
 public:
  deaf_queue() : name_(unique_name()) {
    options_.patience = std::chrono::hours(1);
    millrace::publisher(name_, options_);
  }
  ~deaf_queue() { millrace::remove(name_); }
  deaf_queue(const deaf_queue&) = delete;
  deaf_queue& operator=(const deaf_queue&) = delete;

  [[nodiscard]] millrace::publisher publisher() const {
    return millrace::publisher(name_, options_);
  }
  [[nodiscard]] millrace::subscriber subscriber() const {
    return millrace::subscriber(name_, options_);
  }

 private:
  std::string name_;
  millrace::queue_options options_;
};

void dirty(std::size_t size) {
  if (size == 0)
    return;
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("map memory for the victim");
  std::memset(memory, 0x5a, size);
}

/// What a victim does until it is killed.
[[noreturn]] void live(victim who, const deaf_queue& queue, std::size_t dirty_bytes, state& s) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    dirty(dirty_bytes);
    if (who == victim::publisher) {
      auto publisher = queue.publisher();
      const auto room = publisher.try_reserve(64);
      s.ready += room.has_value();
      for (;;)
        pause();
    }
    auto subscriber = queue.subscriber();
    const auto message = subscriber.try_dequeue();
    s.ready += message.has_value();
    for (;;)
      pause();
  } catch (const std::exception&) {
  }
  _exit(EXIT_FAILURE);  // never ready: the run's watchdog ends it
}

void survive(survivor how, const deaf_queue& queue, std::uint64_t count, state& s) {
  auto subscriber = queue.subscriber();
  for (std::uint64_t i = 1; i <= count; ++i) {
    wait_until(s.begun, i);
    auto message = how == survivor::blocked ? subscriber.dequeue() : subscriber.try_dequeue();
    while (!message) {
      spinner(1).pause();
      message = subscriber.try_dequeue();
    }
    s.arrived = now();
    message.reset();
    s.done = i;
  }
}

/// Nanoseconds from each of `count` kills to the delivery, sorted.
std::vector<std::int64_t> recoveries(victim who, survivor how, std::size_t dirty_bytes,
                                     std::uint64_t count) {
  const deaf_queue queue;
  shared<state> s;
  const auto size = count * sizeof(std::int64_t);
  const shared_memory memory(size);
  auto* const samples = static_cast<std::int64_t*>(memory.data());
  const auto kill_them = [&] {
    auto publisher = queue.publisher();
    const auto send = [&] {
      if (publisher.try_enqueue("the next message") != millrace::status::ok)
        throw failure("no room");
    };
    for (std::uint64_t i = 1; i <= count; ++i) {
      if (who == victim::subscriber)
        send();
      const pid_t pid = fork();
      if (pid == 0)
        live(who, queue, dirty_bytes, *s);
      if (pid < 0)
        fail("fork");
      wait_until(s->ready, i);
      if (who == victim::publisher)
        send();
      s->begun = i;
      // The survivor has noticed who is in its way, and falls asleep if it is to; kills come at any
      // moment between two looks, or of a slice.
      const std::uint64_t moments = how == survivor::polling ? 10 : 100;
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + i * 37 % moments));
      const std::int64_t before = now();
      kill(pid, SIGKILL);
      wait_until(s->done, i);
      samples[i - 1] = s->arrived - before;
      waitpid(pid, nullptr, 0);
      if (samples[i - 1] < 0)
        throw failure("a message was delivered before its turn");
    }
  };
  run({{kill_them, 0}, {[&] { survive(how, queue, count, *s); }, 1}});
  std::vector<std::int64_t> sorted(samples, samples + count);
  std::ranges::sort(sorted);
  return sorted;
}

void benchmark_recovery(benchmark::State& state, victim who, survivor how, std::size_t dirty) {
  measure(state, [&](std::uint64_t count) {
    const auto sorted = recoveries(who, how, dirty, count);
    const auto quantile = [&](double q) {
      const auto rank = std::ceil(q * static_cast<double>(sorted.size()));
      return static_cast<double>(sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
    };
    state.counters["p50_ns"] = quantile(0.5);
    state.counters["p99_ns"] = quantile(0.99);
    state.counters["max_ns"] = quantile(1);
    double sum = 0;
    for (const std::int64_t one : sorted)
      sum += static_cast<double>(one) * 1e-9;
    return sum;
  });
}

void ask(const char* question, const char* peer, victim who, survivor how) {
  constexpr std::size_t large = std::size_t{1} << 30;
  // In nine rounds, at least 180 of small ones and 27 of large ones, in little time each.
  const int small_samples = how == survivor::polling ? 200 : 20;
  for (const auto& [dirty, samples] :
       {std::pair{std::size_t{0}, small_samples}, std::pair{large, 3}})
    benchmark::RegisterBenchmark(name_of(question, peer, dirty).c_str(), benchmark_recovery, who,
                                 how, dirty)
        ->UseManualTime()
        ->Iterations(samples);
}

}  // namespace

void ask_recovery() {
  ask("recovery_polling", "publisher_killed", victim::publisher, survivor::polling);
  ask("recovery_polling", "subscriber_killed", victim::subscriber, survivor::polling);
  ask("recovery_blocked", "publisher_killed", victim::publisher, survivor::blocked);
  ask("recovery_blocked", "subscriber_killed", victim::subscriber, survivor::blocked);
}

}  // namespace bench
