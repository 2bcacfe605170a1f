// Ways to explore a configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configuration.hpp"
#include "moves.hpp"

namespace millrace::interleaving {

struct failure {
  std::string what;
  std::vector<move> schedule;
};

struct report {
  std::uint64_t schedules = 0;  // runs to an end, or to a state that was seen before
  std::uint64_t states = 0;     // different ones
  std::uint64_t steps = 0;
  std::uint64_t ends = 0;         // schedules after which nobody had anything left to do
  std::uint64_t completions = 0;  // runs from the midst of a schedule to such an end, on the side
  std::size_t depth = 0;          // steps of the longest schedule
  bool complete = false;          // nothing within the bounds was left out
  std::optional<failure> failed;
};

/// All schedules within the configuration's bounds, up to `most_states` states. Where a state was
/// seen before, what follows it was or will be explored from there.
[[nodiscard]] report search_all(const configuration& c, std::uint64_t most_states);

/// `n` random schedules, each run to its end. The same seed gives the same schedules.
[[nodiscard]] report search_randomly(const configuration& c, std::uint64_t n, std::uint64_t seed);

/// Lets everybody who is alive go on in turn, without further faults, until nobody has anything
/// left to do, and checks that end. Appends what it did to `made`.
void run_to_the_end(std::vector<move>& made);

/// Makes the steps of `schedule` and prints each with the words that it leaves. Returns what was
/// found wrong, if anything.
std::optional<std::string> replay(const configuration& c, const std::vector<move>& schedule);

}  // namespace millrace::interleaving
