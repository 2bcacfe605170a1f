// Random schedules, and the fair end of any schedule.
#include <algorithm>

#include "actors.hpp"
#include "properties.hpp"
#include "search.hpp"
#include "state_set.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

constexpr std::size_t most_steps = 20'000;

/// SplitMix64: a counter, well mixed.
class dice {
 public:
  explicit dice(std::uint64_t seed) : at_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    at_ += 0x9e3779b97f4a7c15U;
    std::uint64_t x = at_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (x ^ (x >> 31)) % n;
  }

 private:
  std::uint64_t at_;
};

/// One of `moves`: mostly a step; the same process again in runs of random length, so that both
/// fine and coarse interleavings come up.
move pick(std::vector<move>& moves, unsigned last, std::uint64_t run_length, dice& d) {
  const auto faults = std::stable_partition(moves.begin(), moves.end(), [](const move& m) {
    return m.what == kind::step || m.what == kind::rebirth;
  });
  const auto steps = static_cast<std::uint64_t>(faults - moves.begin());
  const std::uint64_t others = moves.size() - steps;
  if (others != 0 && (steps == 0 || d.below(48) == 0)) {
    return moves[steps + d.below(others)];
  }
  std::uint64_t own = 0;
  while (own < steps && moves[own].what == kind::step && moves[own].who == last) {
    ++own;
  }
  if (own != 0 && d.below(run_length) != 0) {
    return moves[d.below(own)];
  }
  return moves[d.below(steps)];
}

}  // namespace

void run_to_the_end(std::vector<move>& made) {
  std::vector<move> moves;
  unsigned turn = 0;
  unsigned idle = 0;  // processes in a row that had nothing to do
  for (std::size_t steps = 0; steps < most_steps; ++steps) {
    moves.clear();
    collect(moves, turn, configuration::any);
    std::erase_if(moves,
                  [](const move& m) { return m.what != kind::step && m.what != kind::rebirth; });
    // Somebody comes back as soon as it can; cleaning up goes before going on.
    const move* next = nullptr;
    for (const move& m : moves) {
      if (m.what == kind::rebirth) {
        next = &m;
        break;
      }
      if (m.who == turn && (next == nullptr || (now.processes[turn].next.what != act::choose &&
                                                m.answer >= recover_from))) {
        next = &m;
      }
    }
    if (next == nullptr) {
      if (++idle > plan.processes()) {
        check_end();
        return;
      }
      turn = (turn + 1) % plan.processes();
      continue;
    }
    idle = 0;
    const move m = *next;
    made.push_back(m);
    make(m);
    if (violation() != nullptr) {
      return;
    }
    const act what = now.processes[turn].next.what;
    if (what == act::rest || what == act::sleep) {
      turn = (turn + 1) % plan.processes();
    }
  }
  violate("those who are left go on and on without coming to an end");
}

report search_randomly(const configuration& c, std::uint64_t n, std::uint64_t seed) {
  report result;
  state_set ends;
  std::vector<move> moves;
  std::vector<move> made;
  for (std::uint64_t i = 0; i < n; ++i) {
    dice d(seed + i * 0x2545f4914f6cdd1dU);
    begin(c);
    made.clear();
    const std::uint64_t run_length = std::uint64_t{1} << d.below(6);
    unsigned last = most_processes;
    while (made.size() < most_steps) {
      moves.clear();
      collect(moves, last, configuration::any);
      if (std::none_of(moves.begin(), moves.end(), [](const move& m) {
            return m.what == kind::step || m.what == kind::rebirth;
          })) {
        break;
      }
      made.push_back(pick(moves, last, run_length, d));
      last = made.back().who;
      make(made.back());
      if (violation() != nullptr) {
        break;
      }
    }
    if (violation() == nullptr) {
      made.size() < most_steps ? check_end() : run_to_the_end(made);
    }
    ++result.schedules;
    ++result.ends;
    result.steps += made.size();
    result.depth = std::max(result.depth, made.size());
    ends.insert(digest_of_now());
    if (violation() != nullptr) {
      result.failed = failure{violation(), made};
      break;
    }
  }
  result.states = ends.size();
  return result;
}

}  // namespace millrace::interleaving
