// Worker processes killed and frozen at random, while every request is accounted for: answered with
// what belongs to it, or reported, once.
#include <algorithm>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "pool/pools.hpp"
#include "support/bytes.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::pending_reply;
using millrace::process_pool;
using millrace::reply_outcome;
using millrace::status;

namespace {

struct figures {
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<std::uint64_t> redelivered = 0;
  std::atomic<std::uint64_t> died = 0;
  std::atomic<std::uint64_t> wrong = 0;

  [[nodiscard]] std::uint64_t ended() const { return answered + died + wrong; }
};

/// Sends requests whose bytes and sizes follow from their numbers, some ahead of the replies.
void call(process_pool& pool, std::uint64_t seed, const std::stop_token& stop, figures& count) {
  std::mt19937_64 random(seed);
  struct open_request {
    std::uint64_t number;
    pending_reply reply;
  };
  std::deque<open_request> open;
  const auto bytes_of = [seed](std::uint64_t number) {
    return test::pattern(4 + number % 37 * (number % 5 == 0 ? 100 : 1), seed + number);
  };
  const auto end_first = [&] {
    auto& [number, reply] = open.front();
    const bool ended = reply.wait() == status::ok;
    if (ended && reply.outcome() == reply_outcome::answered &&
        test::same(reply.bytes(), bytes_of(number))) {
      ++count.answered;
      count.redelivered += reply.redelivered() ? 1 : 0;
    } else if (ended && reply.outcome() == reply_outcome::died) {
      ++count.died;
    } else {
      ++count.wrong;
    }
    open.pop_front();
  };
  for (std::uint64_t number = 0; !stop.stop_requested(); ++number) {
    open_request next{number, {}};
    if (pool.send(random(), bytes_of(number), next.reply) == status::ok) {
      ++count.sent;
      open.push_back(std::move(next));
    } else {
      ++count.wrong;
    }
    while (open.size() > random() % 32) {
      end_first();
    }
  }
  while (!open.empty()) {
    end_first();
  }
}

/// Some requests end between two deaths, so that most workers die with one in their hands.
void run(millrace::after_death policy, std::uint64_t kills, std::uint64_t seed) {
  INFO("seed ", seed);
  const test::scratch directory;
  const std::size_t semaphores = test::named_semaphores();
  auto options = test::pool_options(directory, 3);
  options.arguments = {"slow"};
  options.on_death = policy;
  options.restart = {.limit = 1'000'000, .first_pause = 100us, .longest_pause = 1ms};
  process_pool pool(options);
  figures count;
  {
    std::vector<std::jthread> callers;
    for (std::uint64_t i = 0; i < 2; ++i) {
      callers.emplace_back(
          [&, i](const std::stop_token& stop) { call(pool, seed * 1000 + i, stop, count); });
    }
    std::mt19937_64 random(seed);
    for (std::uint64_t done = 0; done < kills;) {
      const std::uint64_t later = count.ended() + random() % 50;
      test::eventually([&] { return count.ended() >= later; });
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 1'000));
      const auto victim = static_cast<pid_t>(pool.worker(random() % 3).process);
      if (victim == 0) {
        continue;
      }
      const bool stops = random() % 4 == 0;
      if (stops) {
        ::kill(victim, SIGSTOP);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
      }
      const bool goes_on = stops && random() % 2 == 0;
      ::kill(victim, goes_on ? SIGCONT : SIGKILL);
      done += goes_on ? 0 : 1;
    }
  }
  CHECK(pool.drain() == status::ok);
  CHECK(count.wrong == 0);
  CHECK(count.answered + count.died == count.sent);
  std::uint64_t deaths = 0;
  for (std::size_t i = 0; i < pool.worker_count(); ++i) {
    deaths += pool.worker(i).deaths;
  }
  CHECK(deaths > 0);
  CHECK(deaths <= kills);  // one process may be killed twice before that is noticed
  if (policy == millrace::after_death::redeliver) {
    CHECK(count.died == 0);
    CHECK(count.redelivered > 0);
  } else {
    CHECK(count.died > 0);
    CHECK(count.died <= deaths);
    CHECK(count.redelivered == 0);
  }
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
  MESSAGE(count.sent.load(), " requests, ", deaths, " deaths, ", count.redelivered.load(),
          " redelivered, ", count.died.load(), " reported");
}

}  // namespace

TEST_CASE("process pool: workers killed at random, every request is answered") {
  run(millrace::after_death::redeliver, 60, 1);
}

TEST_CASE("process pool: workers killed at random, every request is answered or reported") {
  run(millrace::after_death::report, 60, 2);
}

TEST_CASE("process pool: workers killed at random, for minutes") {
  test::allow(1100);
  for (std::uint64_t seed = 10; seed < 18; ++seed) {
    run(seed % 2 == 0 ? millrace::after_death::redeliver : millrace::after_death::report, 600,
        seed);
  }
}
