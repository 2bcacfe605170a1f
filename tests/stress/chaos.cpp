// Killing and freezing at random.
#include "stress/chaos.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/queue/inspect.hpp>

#include "stress/roles.hpp"
#include "stress/verdict.hpp"
#include "support/child.hpp"

namespace stress {
namespace {

struct worker {
  bool publishes;
  std::uint32_t id;
  test::child process;
  bool frozen = false;
};

test::child start(arena& a, bool publishes, std::uint32_t id, std::uint64_t seed) {
  return test::child::run([&] {
    const job j{"q", a.options, id, seed, true};
    try {
      (publishes ? publish : subscribe)(j, a.book);
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "%s %u: %s\n", publishes ? "publish" : "subscribe", id, problem.what());
      ++a.book.failures();
      return 1;
    }
    return 0;
  });
}

}  // namespace

chaos_figures& chaos_figures::operator+=(const chaos_figures& more) {
  publishers_killed += more.publishers_killed;
  subscribers_killed += more.subscribers_killed;
  stops += more.stops;
  messages += more.messages;
  redelivered += more.redelivered;
  lost += more.lost;
  duplicated += more.duplicated;
  return *this;
}

chaos_figures run(const chaos& how, std::chrono::milliseconds time, std::uint64_t seed) {
  const scenario& s = how.where;
  INFO(s.text(), std::string(how.exclusive ? ", exclusive where alone" : ", shared"));
  INFO(std::string(how.guarantee == millrace::delivery::at_least_once ? "at least once"
                                                                      : "at most once"));
  INFO(how.kill_publishers, how.kill_subscribers, how.freeze, ", seed ", seed);
  arena a(s, how.exclusive, how.guarantee);
  casualties dead;
  dead.lost_with_them = how.guarantee == millrace::delivery::at_most_once;
  std::uint64_t stops = 0;
  std::mt19937_64 random(seed);
  std::vector<worker> workers;
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    workers.push_back({true, i, start(a, true, i, random())});
  }
  for (std::uint32_t i = 0; i < s.subscribers; ++i) {
    workers.push_back({false, i, start(a, false, i, random())});
  }
  for (const auto end = std::chrono::steady_clock::now() + time;
       std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 15'000));
    worker& one = workers[random() % workers.size()];
    if (how.freeze && !one.frozen && random() % 3 == 0) {
      // Until it is chosen again: others are killed and frozen meanwhile.
      one.process.signal(SIGSTOP);
      one.frozen = true;
      ++stops;
      continue;
    }
    if ((one.publishes ? how.kill_publishers : how.kill_subscribers) &&
        (!one.frozen || random() % 2 == 0)) {
      one.process.kill();
      ++(one.publishes ? dead.publishers : dead.subscribers);
      one.process = start(a, one.publishes, one.id, random());
    }
    one.process.thaw();
    one.frozen = false;
  }
  for (const auto& one : workers) {
    one.process.thaw();
  }
  a.book.stop_publishing() = 1;
  for (auto& one : workers) {
    if (one.publishes) {
      CHECK(one.process.wait() == 0);
    }
  }
  a.book.stop_subscribing() = 1;
  for (auto& one : workers) {
    if (!one.publishes) {
      CHECK(one.process.wait() == 0);
    }
  }
  // What the last of the dead left behind.
  auto rest = start(a, false, 0, random());
  CHECK(rest.wait() == 0);
  const tally counted = judge(a.book, a.most, dead);
  const auto info = millrace::stat("q", a.directory.path());
  CHECK(info.depth == 0);
  CHECK(info.in_hands == 0);
  CHECK(info.in_progress == 0);
  CHECK(info.used_slots == 0);
  CHECK(info.participants.empty());
  return {dead.publishers, dead.subscribers,  stops, counted.sent, info.redeliveries,
          counted.lost,    counted.duplicated};
}

}  // namespace stress
