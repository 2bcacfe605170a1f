// The same with threads, each with a handle of its own: they share one mapping of the queue, so
// that ThreadSanitizer sees what they do to each other.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "stress/roles.hpp"
#include "stress/scenario.hpp"
#include "stress/verdict.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;

namespace {

void run(const stress::scenario& s, bool exclusive, std::chrono::milliseconds time) {
  INFO(s.text(), std::string(exclusive ? ", exclusive where alone" : ", shared"));
  stress::arena a(s, exclusive);
  const auto start = [&](auto role, std::uint32_t id, std::uint64_t seed) {
    return std::jthread([&a, role, id, seed] {
      try {
        role(stress::job{"q", a.options, id, seed, false}, a.book);
      } catch (const std::exception& problem) {
        std::fprintf(stderr, "thread %u: %s\n", id, problem.what());
        ++a.book.failures();
      }
    });
  };
  std::vector<std::jthread> subscribers;
  std::vector<std::jthread> publishers;
  for (std::uint32_t i = 0; i < s.subscribers; ++i) {
    subscribers.push_back(start(stress::subscribe, i, 100 + i));
  }
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    publishers.push_back(start(stress::publish, i, 200 + i));
  }
  std::this_thread::sleep_for(time);
  a.book.stop_publishing() = 1;
  publishers.clear();
  a.book.stop_subscribing() = 1;
  subscribers.clear();
  stress::judge(a.book, a.most);
  CHECK(millrace::stat("q", a.directory.path()).used_slots == 0);
}

}  // namespace

TEST_CASE("threads: exactly once and in order") {
  for (const auto& s : stress::scenarios(50'000)) {
    run(s, false, 250ms);
    if (s.publishers == 1 || s.subscribers == 1) {
      run(s, true, 250ms);
    }
  }
}

TEST_CASE("threads: exactly once and in order, for minutes") {
  test::allow(1800);
  for (const auto& s : stress::scenarios(3'000'000)) {
    run(s, false, 5s);
    if (s.publishers == 1 || s.subscribers == 1) {
      run(s, true, 5s);
    }
  }
}
