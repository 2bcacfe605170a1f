// Explores the queues and boxes between threads: interleaving_threads [NAME]. With a name, only
// what begins with it. Exit status: 0 nothing is wrong, 1 something is, 2 nothing of that name.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "scenarios.hpp"

namespace {

using namespace millrace::interleaving;

/// What was wrong in one of the schedules.
std::string explore(const scenario& s, schedules how, std::uint64_t& explored) {
  do {
    if (std::string wrong = s.run(how); !wrong.empty()) {
      wrong += "\nthreads by steps: ";
      for (const auto who : stage::steps()) {
        wrong += std::to_string(who);
      }
      return wrong;
    }
  } while (how.next());
  explored += how.made();
  return "";
}

bool explore(const scenario& s) {
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t explored = 0;
  std::string wrong = explore(s, schedules::all(s.deviations), explored);
  if (wrong.empty() && explored < s.least) {
    wrong = fmt::format("only {} schedules, expected at least {}", explored, s.least);
  }
  if (wrong.empty()) {
    wrong = explore(s, schedules::random(s.random, 1), explored);
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  fmt::print("{:40} {:>3} {:>10} {:>8.1f}\n", s.name, s.deviations, explored, time.count());
  if (!wrong.empty()) {
    fmt::print("*** {}\n", wrong);
  }
  std::fflush(stdout);
  return wrong.empty();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "";
  auto all = queue_scenarios();
  for (auto more : {meeting_scenarios, scheduler_scenarios, closing_scenarios}) {
    for (auto& s : more()) {
      all.push_back(std::move(s));
    }
  }
  fmt::print("{:40} {:>3} {:>10} {:>8}\n", "scenario", "dev", "schedules", "seconds");
  unsigned n = 0;
  bool good = true;
  for (const auto& s : all) {
    if (s.name.starts_with(only)) {
      ++n;
      good = explore(s) && good;
    }
  }
  return n == 0 ? 2 : (good ? 0 : 1);
}
