// Depth first through all schedules, with the states that were seen cut off.
//
// Nothing is executed twice to come back to a state: a state is bytes (world.hpp, fiber.hpp), and
// is restored by copying them. The bytes are also what tells states apart: a process will do the
// same if its registers, its stack, its handle and all memory are the same. That merges the orders
// in which independent operations can be made, since they lead to the same bytes.
#include <algorithm>

#include "properties.hpp"
#include "search.hpp"
#include "snapshot.hpp"
#include "state_set.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

/// Every so many new states one is run to its end on the side. A ring that is wedged stays so, in
/// all states that follow; each of the many such states may be the one.
constexpr std::uint64_t states_per_completion = 64;

class depth_first {
 public:
  depth_first(const configuration& c, std::uint64_t most_states)
      : most_states_(most_states), preemptions_(c.preemptions) {
    begin(c);
  }

  report run() {
    arrive();
    while (!nodes_.empty() && !result_.failed) {
      node& n = nodes_.back();
      if (n.next == n.end) {
        leave();
        continue;
      }
      if (seen_.size() >= most_states_) {
        result_.states = seen_.size();
        return result_;
      }
      if (!n.fresh) {
        copies_.restore();
      }
      n.fresh = false;
      n.made = moves_[n.next++];
      last_ = n.made.what == kind::step ? n.made.who : most_processes;
      preemptions_ = n.preemptions - (n.made.preempts ? 1 : 0);
      ++result_.steps;
      make(n.made);
      if (violation() != nullptr) {
        fail({});
        break;
      }
      arrive();
    }
    result_.complete = !result_.failed;
    result_.states = seen_.size();
    return result_;
  }

 private:
  struct node {
    std::size_t begin, next, end;  // in moves_
    int preemptions;
    bool fresh;  // the world is still in this state
    move made;
  };

  /// In a state that may be new.
  void arrive() {
    result_.depth = std::max(result_.depth, nodes_.size());
    if (!seen_.insert(identity())) {
      ++result_.schedules;
      return;
    }
    const std::size_t begin = moves_.size();
    collect(moves_, last_, preemptions_);
    if (moves_.size() == begin) {
      ++result_.schedules;
      ++result_.ends;
      check_end();
      if (violation() != nullptr) {
        fail({});
      }
      return;
    }
    copies_.push();
    nodes_.push_back({begin, begin, moves_.size(), preemptions_, true, {}});
    if (seen_.size() % states_per_completion == 0) {
      complete();
    }
  }

  void leave() {
    copies_.pop();
    moves_.resize(nodes_.back().begin);
    nodes_.pop_back();
  }

  void complete() {
    std::vector<move> made;
    run_to_the_end(made);
    ++result_.completions;
    result_.steps += made.size();
    if (violation() != nullptr) {
      nodes_.back().next = nodes_.back().begin;
      fail(made);
      return;
    }
    copies_.restore();
  }

  void fail(const std::vector<move>& rest) {
    failure f{violation(), {}};
    for (const node& n : nodes_) {
      if (n.next != n.begin) {
        f.schedule.push_back(n.made);
      }
    }
    f.schedule.insert(f.schedule.end(), rest.begin(), rest.end());
    result_.failed = std::move(f);
  }

  /// With a bound, how much of it is left and whom it protects are part of a state.
  [[nodiscard]] std::uint64_t identity() const {
    const std::uint64_t state = digest_of_now();
    if (preemptions_ < 0) {
      return state;
    }
    return state ^ (static_cast<std::uint64_t>(preemptions_) * most_processes + last_ + 1) *
                       0x9e3779b97f4a7c15U;
  }

  std::uint64_t most_states_;
  report result_;
  state_set seen_;
  snapshots copies_;
  std::vector<node> nodes_;
  std::vector<move> moves_;
  unsigned last_ = most_processes;
  int preemptions_;
};

}  // namespace

report search_all(const configuration& c, std::uint64_t most_states) {
  return depth_first(c, most_states).run();
}

}  // namespace millrace::interleaving
