// What is explored by default, and what is explored when there is time.
#pragma once

#include <cstdint>
#include <vector>

#include "configuration.hpp"

namespace millrace::interleaving {

enum class how : std::uint8_t {
  all,
  random
};

struct run {
  configuration what;
  how mode;
  /// all: no more states than this are looked at, and it is a failure if there are more; random: so
  /// many schedules.
  std::uint64_t amount;
  /// It is a failure if fewer states (all) or steps (random) were explored. A quarter or so of what
  /// there is, because what a compiler leaves on the stacks tells more states apart, or fewer.
  std::uint64_t least;
};

/// For every run of the tests: about a minute on one core.
[[nodiscard]] std::vector<run> quick_runs();
/// Minutes to an hour.
[[nodiscard]] std::vector<run> long_runs();

}  // namespace millrace::interleaving
