// What a ledger must say in the end.
#pragma once

#include <cstdint>

#include "stress/ledger.hpp"

namespace stress {

struct casualties {
  std::uint32_t publishers = 0;  // how many were killed
  std::uint32_t subscribers = 0;
  bool lost_with_them = false;  // delivery at most once
};

struct tally {
  std::uint64_t sent = 0;        // accepted
  std::uint64_t lost = 0;        // of these, never finished
  std::uint64_t duplicated = 0;  // delivered twice without a mark, or again when done
};

/// Checks every message of every publisher, by doctest. `most`: the queue's longest message.
tally judge(const ledger& book, std::size_t most, casualties dead = {});

}  // namespace stress
