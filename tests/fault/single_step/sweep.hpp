// Running a trial at many instructions, and counting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "fault/single_step/trial.hpp"

namespace single_step {

struct figures {
  std::uint64_t operations = 0;
  std::uint64_t instructions = 0;  // of all operations together, each counted once
  std::uint64_t kills = 0;
  std::uint64_t stops = 0;
  std::uint64_t elsewhere = 0;  // runs that went another way than the first, to the end
  std::uint64_t violations = 0;

  figures& operator+=(const figures& other);
};

/// Which instructions: `most` of an operation's, evenly spread, or only the one.
struct extent {
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  std::size_t most = all;
  std::size_t only = all;
};

/// Finds the operation's instructions, then kills a victim before each, and after the last, then
/// stops one there. Reports violations to standard output.
[[nodiscard]] figures sweep(const named_trial& t, const extent& which);

}  // namespace single_step
