// Publishers and subscribers that are killed and frozen at random, over and over, with every mix of
// roles and guarantees.
#include <chrono>

#include <doctest/doctest.h>

#include "stress/chaos.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::delivery;

namespace {

void run(const stress::chaos& how, std::chrono::milliseconds time, std::uint64_t seed) {
  const auto f = stress::run(how, time, seed);
  MESSAGE(how.where.text(), ": ", f.messages, " messages, ", f.publishers_killed,
          " publishers and ", f.subscribers_killed, " subscribers killed, ", f.stops, " stops, ",
          f.redelivered, " redeliveries");
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
