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

/// Checks every message of every publisher, by doctest. `most`: the queue's longest message.
void judge(const ledger& book, std::size_t most, casualties dead = {});

}  // namespace stress
