// Publishers and subscribers that are killed and frozen at random, over and over, while every
// message is entered into a ledger.
#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "stress/scenario.hpp"
#include "stress/verdict.hpp"
#include "support/child.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::delivery;

namespace {

struct plan {
  stress::scenario scenario;
  bool exclusive;
  delivery guarantee;
  bool kill_publishers;
  bool kill_subscribers;
  bool freeze;
};

struct worker {
  const char* what;
  std::uint32_t id;
  test::child process;
};

void run(const plan& how, std::chrono::milliseconds time, std::uint64_t seed) {
  const stress::scenario& s = how.scenario;
  INFO(s.text(), std::string(how.exclusive ? ", exclusive where alone" : ", shared"));
  INFO(std::string(how.guarantee == delivery::at_least_once ? "at least once" : "at most once"));
  INFO(how.kill_publishers, how.kill_subscribers, how.freeze, ", seed ", seed);
  stress::arena a(s, how.exclusive, how.guarantee);
  stress::casualties dead;
  dead.lost_with_them = how.guarantee == delivery::at_most_once;
  std::mt19937_64 random(seed);
  const auto start = [&](const char* what, std::uint32_t id) {
    return test::child::execute({STRESS_WORKER, what, "q", a.directory.path(), a.ledger_path,
                                 std::to_string(id), std::to_string(random() >> 1), "l"});
  };
  std::vector<worker> workers;
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    workers.push_back({"publish", i, start("publish", i)});
  }
  for (std::uint32_t i = 0; i < s.subscribers; ++i) {
    workers.push_back({"subscribe", i, start("subscribe", i)});
  }
  for (const auto end = std::chrono::steady_clock::now() + time;
       std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 15'000));
    worker& one = workers[random() % workers.size()];
    const bool publishes = std::string(one.what) == "publish";
    if (how.freeze && random() % 3 == 0) {
      one.process.signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
      if (random() % 2 == 0) {
        one.process.thaw();
        continue;
      }
    }
    if (publishes ? how.kill_publishers : how.kill_subscribers) {
      one.process.kill();
      ++(publishes ? dead.publishers : dead.subscribers);
      one.process = start(one.what, one.id);
    }
    one.process.thaw();
  }
  a.book.stop_publishing() = 1;
  for (auto& one : workers) {
    if (std::string(one.what) == "publish") {
      CHECK(one.process.wait() == 0);
    }
  }
  a.book.stop_subscribing() = 1;
  for (auto& one : workers) {
    if (std::string(one.what) == "subscribe") {
      CHECK(one.process.wait() == 0);
    }
  }
  // What the last of the dead left behind.
  auto rest = start("subscribe", 0);
  CHECK(rest.wait() == 0);
  stress::judge(a.book, a.most, dead);
  const auto info = millrace::stat("q", a.directory.path());
  CHECK(info.depth == 0);
  CHECK(info.in_hands == 0);
  CHECK(info.in_progress == 0);
  CHECK(info.used_slots == 0);
  CHECK(info.participants.empty());
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    total += a.book.next(i);
  }
  MESSAGE(s.text(), ": ", total, " messages, ", dead.publishers, " publishers and ",
          dead.subscribers, " subscribers killed, ", info.redeliveries, " redeliveries, ",
          info.recoveries, " recoveries, ", info.abandoned, " abandoned, ", info.revocations,
          " revocations");
}

void every_plan(std::chrono::milliseconds time, std::uint64_t rounds) {
  const stress::scenario small_22{2, 2, 64 * 64, 64, 1'000'000};
  const stress::scenario small_33{3, 3, 64 * 256, 256, 1'000'000};
  const stress::scenario small_12{1, 2, 64 * 64, 64, 1'000'000};
  const stress::scenario small_21{2, 1, 64 * 64, 64, 1'000'000};
  const stress::scenario small_11{1, 1, 64 * 64, 64, 1'000'000};
  for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
    run({small_22, false, delivery::at_least_once, true, false, false}, time, seed);
    run({small_22, false, delivery::at_least_once, false, true, false}, time, seed);
    run({small_22, false, delivery::at_least_once, false, false, true}, time, seed);
    run({small_33, false, delivery::at_least_once, true, true, true}, time, seed);
    run({small_33, false, delivery::at_most_once, true, true, true}, time, seed);
    run({small_12, true, delivery::at_least_once, true, true, true}, time, seed);
    run({small_21, true, delivery::at_least_once, true, true, true}, time, seed);
    run({small_11, true, delivery::at_least_once, true, true, true}, time, seed);
    run({small_11, true, delivery::at_most_once, true, true, true}, time, seed);
  }
}

}  // namespace

TEST_CASE("chaos: nothing is lost, doubled or stuck, whoever is killed or frozen") {
  every_plan(1500ms, 1);
}

TEST_CASE("chaos: nothing is lost, doubled or stuck, for minutes") {
  test::allow(3000);
  every_plan(10s, 5);
}
