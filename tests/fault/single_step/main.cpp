// Kills, and stops, processes at single instructions of every operation on a queue.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>

#include "fault/single_step/sweep.hpp"
#include "support/own_mounts.hpp"
#include "support/traced.hpp"

namespace {

using namespace single_step;

constexpr int skipped = 77;  // for ctest

int usage() {
  std::fprintf(stderr,
               "usage: single_step_test [--every] [--least-kills N] [--only NAME [--at N]]\n"
               "  --every          every instruction, not some of each operation's\n"
               "  --least-kills N  fail with fewer kills than that\n"
               "  --only NAME      only operations in whose name this occurs\n"
               "  --at N           only before instruction N\n");
  return 2;
}

/// Tracer and traced take turns, so nothing is gained by two processors, and much lost.
void stay_on_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  (void)::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

int main(int argc, char** argv) {
  extent which{.most = 8};
  std::uint64_t least_kills = 0;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--every") {
      which.most = extent::all;
    } else if (argument == "--least-kills" && i + 1 < argc) {
      least_kills = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (argument == "--at" && i + 1 < argc) {
      which.only = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return usage();
    }
  }
  if (const auto hindrance = test::traced::hindrance()) {
    std::printf("skipped: no process can be run instruction by instruction here: %s\n",
                hindrance->c_str());
    return skipped;
  }
  test::take_own_shared_memory();
  stay_on_one_processor();

  std::vector<named_trial> trials;
  add_publishing(trials);
  add_subscribing(trials);
  add_recovering(trials);
  add_joining(trials);
  add_ending(trials);
  add_waking(trials);
  figures total;
  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  for (const named_trial& t : trials) {
    if (t.name.find(only) == std::string::npos) {
      continue;
    }
    const auto its_begin = std::chrono::steady_clock::now();
    const figures f = sweep(t, which);
    total += f;
    std::printf("%-70s %6llu instructions %6llu kills %6llu stops %7.2f s\n", t.name.c_str(),
                static_cast<unsigned long long>(f.instructions),
                static_cast<unsigned long long>(f.kills), static_cast<unsigned long long>(f.stops),
                seconds(std::chrono::steady_clock::now() - its_begin));
    std::fflush(stdout);
  }
  std::printf("\n%llu operations, %llu instructions, %llu kills, %llu stops, %llu runs that went "
              "another way, %llu violations, %.1f s\n",
              static_cast<unsigned long long>(total.operations),
              static_cast<unsigned long long>(total.instructions),
              static_cast<unsigned long long>(total.kills),
              static_cast<unsigned long long>(total.stops),
              static_cast<unsigned long long>(total.elsewhere),
              static_cast<unsigned long long>(total.violations),
              seconds(std::chrono::steady_clock::now() - began));
  if (total.kills < least_kills) {
    std::printf("expected at least %llu kills\n", static_cast<unsigned long long>(least_kills));
    return 1;
  }
  return total.violations == 0 ? 0 : 1;
}
