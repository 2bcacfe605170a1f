// For as long as one likes: rounds of publishers and subscribers that are killed and frozen at
// random, each round on another queue, with every message accounted for.
#define DOCTEST_CONFIG_IMPLEMENT
#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "stress/chaos.hpp"
#include "support/own_mounts.hpp"
#include "support/watchdog.hpp"

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr auto round_time = 5s;
constexpr std::uint32_t most_of_a_kind = 4;
constexpr std::uint32_t messages_a_publisher = 2'000'000;  // in one round; what the ledger holds

double minutes = 1;
std::uint64_t seed = 1;

int usage() {
  std::fprintf(stderr, "usage: soak [--minutes N] [--seed S]\n"
                       "  --minutes N  for how long, fractions too (1)\n"
                       "  --seed S     decides all that is chosen: queues, victims, pauses (1)\n");
  return 2;
}

std::string counts(const stress::chaos_figures& f) {
  return std::to_string(f.publishers_killed + f.subscribers_killed) + " kills, " +
         std::to_string(f.stops) + " stops, " + std::to_string(f.messages) + " messages, " +
         std::to_string(f.redelivered) + " redelivered (marked), lost " + std::to_string(f.lost) +
         ", duplicated " + std::to_string(f.duplicated);
}

/// Rounds take turns with the roles; their own seed chooses the queue's size.
stress::chaos plan(std::uint64_t round, std::uint64_t round_seed) {
  constexpr std::array<std::uint32_t, 4> publishers{most_of_a_kind, 1, most_of_a_kind, 1};
  constexpr std::array<std::uint32_t, 4> subscribers{most_of_a_kind, most_of_a_kind, 1, 1};
  constexpr std::array<std::size_t, 4> blocks{64, 128, 256, 1024};
  constexpr std::array<std::size_t, 3> slots{64, 256, 2048};
  const std::size_t block = blocks[round_seed % blocks.size()];
  const std::size_t count = slots[round_seed / blocks.size() % slots.size()];
  return {.where = {.publishers = publishers[round % 4],
                    .subscribers = subscribers[round % 4],
                    .capacity = block * count,
                    .block_size = block,
                    .count = messages_a_publisher},
          .exclusive = true,
          .guarantee = millrace::delivery::at_least_once,
          .kill_publishers = true,
          .kill_subscribers = true,
          .freeze = true};
}

}  // namespace

TEST_CASE("soak: nothing is lost, doubled or stuck") {
  stress::chaos_figures total;
  std::mt19937_64 seeds(seed);
  std::uint64_t rounds = 0;
  const auto began = clock_type::now();
  const auto end = began + std::chrono::duration_cast<clock_type::duration>(
                               std::chrono::duration<double, std::ratio<60>>(minutes));
  for (auto now = began; now < end && total.lost + total.duplicated == 0;
       now = clock_type::now(), ++rounds) {
    const std::uint64_t round_seed = seeds();
    const stress::chaos how = plan(rounds, round_seed);
    const auto time = std::min<clock_type::duration>(round_time, end - now);
    std::printf("round %" PRIu64 ", seed %" PRIu64 ": %s: ", rounds + 1, round_seed,
                how.where.text().c_str());
    std::fflush(stdout);
    test::watch_case("soak, see the last round's line");
    const auto f =
        stress::run(how, std::chrono::duration_cast<std::chrono::milliseconds>(time), round_seed);
    std::printf("%s\n", counts(f).c_str());
    total += f;
  }
  std::printf("%.1f minutes, seed %" PRIu64 ", %" PRIu64 " rounds, %s\n",
              std::chrono::duration<double, std::ratio<60>>(clock_type::now() - began).count(),
              seed, rounds, counts(total).c_str());
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view argument = argv[i];
    if (argument == "--minutes") {
      minutes = std::strtod(argv[i + 1], nullptr);
    } else if (argument == "--seed") {
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      return usage();
    }
  }
  if (argc % 2 == 0 || !(minutes > 0)) {
    return usage();
  }
  test::take_own_shared_memory();
  return doctest::Context().run();
}
