// The interleaving explorer: runs the real ring, recovery and doorbell in simulated processes.
//
//   interleaving [--set quick|long] [--only NAME] [--seed N] [--expect-violation]
//   interleaving --list
//   interleaving --only NAME --replay SCHEDULE
//
// Exit status: 0 as expected, 1 not, 2 usage. What went wrong is printed step by step, with the
// schedule that --replay takes.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runs.hpp"
#include "search.hpp"

namespace {

using namespace millrace::interleaving;

struct wishes {
  std::string set = "quick";
  std::string only;
  std::uint64_t seed = 1;
  std::optional<std::string> schedule;
  bool list = false;
  bool expect_violation = false;
};

std::optional<wishes> understand(int argc, char** argv) {
  wishes w;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (option == "--list") {
      w.list = true;
    } else if (option == "--expect-violation") {
      w.expect_violation = true;
    } else if (value == nullptr) {
      return std::nullopt;
    } else if (++i; option == "--set") {
      w.set = value;
    } else if (option == "--only") {
      w.only = value;
    } else if (option == "--seed") {
      w.seed = std::strtoull(value, nullptr, 10);
    } else if (option == "--replay") {
      w.schedule = value;
    } else {
      return std::nullopt;
    }
  }
  if ((w.set != "quick" && w.set != "long") || (w.schedule && w.only.empty())) {
    return std::nullopt;
  }
  return w;
}

std::string bounds(const run& r) {
  const configuration& c = r.what;
  return r.mode == how::random                 ? "random"
         : c.preemptions == configuration::any ? "all"
                                               : fmt::format("all, {} interr.", c.preemptions);
}

/// False: not as it should be.
bool explore(const run& r, std::uint64_t seed, report& total, bool& violated) {
  const auto begin = std::chrono::steady_clock::now();
  const report found = r.mode == how::random ? search_randomly(r.what, r.amount, seed)
                                             : search_all(r.what, r.amount);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  fmt::print("{:52} {:14} {:>10} {:>10} {:>11} {:>6} {:>6} {:>7.1f}\n", r.what.name, bounds(r),
             found.schedules, found.states, found.steps, found.ends + found.completions,
             found.depth, time.count());
  std::fflush(stdout);
  total.schedules += found.schedules;
  total.states += found.states;
  total.steps += found.steps;
  total.ends += found.ends + found.completions;
  total.depth = std::max(total.depth, found.depth);
  if (found.failed) {
    violated = true;
    fmt::print("\n*** {}\n\n", found.failed->what);
    (void)replay(r.what, found.failed->schedule);
    fmt::print("\n--only '{}' --replay {}\n\n", r.what.name, to_string(found.failed->schedule));
    return false;
  }
  if (r.mode == how::all && !found.complete) {
    fmt::print("*** more than {} states: not all were explored\n", r.amount);
    return false;
  }
  const std::uint64_t explored = r.mode == how::all ? found.states : found.steps;
  if (explored < r.least) {
    fmt::print("*** only {} {}, expected at least {}\n", explored,
               r.mode == how::all ? "states" : "steps", r.least);
    return false;
  }
  return true;
}

int explore_all(const wishes& w, const std::vector<run>& runs) {
  fmt::print("{:52} {:14} {:>10} {:>10} {:>11} {:>6} {:>6} {:>7}\n", "configuration", "schedules",
             "run", "states", "steps", "ends", "depth", "seconds");
  report total;
  bool good = true;
  bool violated = false;
  unsigned n = 0;
  for (const run& r : runs) {
    if (w.only.empty() || w.only == r.what.name) {
      ++n;
      good = explore(r, w.seed, total, violated) && good;
      if (violated && w.expect_violation) {
        break;
      }
    }
  }
  fmt::print("{:52} {:14} {:>10} {:>10} {:>11} {:>6} {:>6}\n", "total", "", total.schedules,
             total.states, total.steps, total.ends, total.depth);
  if (n == 0) {
    fmt::print("*** there is no configuration '{}' in the set '{}'\n", w.only, w.set);
    return 2;
  }
  return w.expect_violation ? (violated ? 0 : 1) : (good ? 0 : 1);
}

int replay_one(const wishes& w, const std::vector<run>& runs) {
  const auto schedule = parse(*w.schedule);
  for (const run& r : runs) {
    if (schedule && r.what.name == w.only) {
      const auto wrong = replay(r.what, *schedule);
      fmt::print("\n{}\n", wrong ? "*** " + *wrong : "nothing is wrong");
      return wrong ? 1 : 0;
    }
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const auto w = understand(argc, argv);
  if (!w) {
    fmt::print(stderr, "usage: interleaving [--set quick|long] [--only NAME] [--seed N] "
                       "[--expect-violation]\n"
                       "       interleaving --list | --only NAME --replay SCHEDULE\n");
    return 2;
  }
  const auto runs = w->set == "quick" ? quick_runs() : long_runs();
  if (w->list) {
    for (const run& r : runs) {
      fmt::print("{}\n", r.what.name);
    }
    return 0;
  }
  return w->schedule ? replay_one(*w, runs) : explore_all(*w, runs);
}
