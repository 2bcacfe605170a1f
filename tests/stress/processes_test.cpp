// Many processes at one queue: every message arrives exactly once, whole, and in its publisher's
// order.
#include <chrono>
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

namespace {

test::child start(const char* what, const stress::arena& a, std::uint32_t id, std::uint64_t seed) {
  return test::child::execute({STRESS_WORKER, what, "q", a.directory.path(), a.ledger_path,
                               std::to_string(id), std::to_string(seed), "-"});
}

void run(const stress::scenario& s, bool exclusive, std::chrono::milliseconds time) {
  INFO(s.text(), std::string(exclusive ? ", exclusive where alone" : ", shared"));
  stress::arena a(s, exclusive);
  std::vector<test::child> subscribers;
  std::vector<test::child> publishers;
  for (std::uint32_t i = 0; i < s.subscribers; ++i) {
    subscribers.push_back(start("subscribe", a, i, 100 + i));
  }
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    publishers.push_back(start("publish", a, i, 200 + i));
  }
  std::this_thread::sleep_for(time);
  a.book.stop_publishing() = 1;
  for (auto& p : publishers) {
    CHECK(p.wait() == 0);
  }
  a.book.stop_subscribing() = 1;
  for (auto& one : subscribers) {
    CHECK(one.wait() == 0);
  }
  stress::judge(a.book, a.most);
  const auto info = millrace::stat("q", a.directory.path());
  CHECK(info.depth == 0);
  CHECK(info.in_hands == 0);
  CHECK(info.in_progress == 0);
  CHECK(info.used_slots == 0);
  CHECK(info.participants.empty());
  CHECK(info.recoveries == 0);
  CHECK(info.published == info.finished);
  CHECK(info.published_bytes == info.finished_bytes);
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < s.publishers; ++i) {
    total += a.book.next(i);
  }
  MESSAGE(s.text(), ": ", total, " messages, ", info.redeliveries, " redeliveries, ",
          info.revocations, " revocations");
}

}  // namespace

TEST_CASE("processes: exactly once and in order") {
  for (const auto& s : stress::scenarios(100'000)) {
    run(s, false, 350ms);
    if (s.publishers == 1 || s.subscribers == 1) {
      run(s, true, 350ms);
    }
  }
}

TEST_CASE("processes: exactly once and in order, for minutes") {
  test::allow(1800);
  for (const auto& s : stress::scenarios(3'000'000)) {
    run(s, false, 8s);
    if (s.publishers == 1 || s.subscribers == 1) {
      run(s, true, 8s);
    }
  }
}
