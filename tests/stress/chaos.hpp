// Publishers and subscribers that are killed and frozen at random while every message is entered
// into a ledger, and what the ledger says in the end.
#pragma once

#include <chrono>
#include <cstdint>

#include <millrace/queue/options.hpp>

#include "stress/scenario.hpp"

namespace stress {

struct chaos {
  scenario where;
  bool exclusive;  // roles of which there is one
  millrace::delivery guarantee;
  bool kill_publishers;
  bool kill_subscribers;
  bool freeze;
};

struct chaos_figures {
  std::uint64_t publishers_killed = 0;
  std::uint64_t subscribers_killed = 0;
  std::uint64_t stops = 0;
  std::uint64_t messages = 0;     // accepted
  std::uint64_t redelivered = 0;  // deliveries marked so
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;

  chaos_figures& operator+=(const chaos_figures& more);
};

/// Goes on for `time`, then drains the queue and checks all by doctest. The seed decides who is
/// killed and frozen, in which order and with which pauses, and what the processes do.
chaos_figures run(const chaos& how, std::chrono::milliseconds time, std::uint64_t seed);

}  // namespace stress
