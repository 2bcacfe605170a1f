// The sweep over an operation's instructions.
#include "fault/single_step/sweep.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/watchdog.hpp"

namespace single_step {

namespace {

/// One victim of one trial. Throws what is not as promised.
class run {
 public:
  run(const named_trial& t, fate f, std::size_t k)
      : trial_(t.make(f, k)), victim_([this] { return trial_->victim(); }) {
    trial_->lead(victim_);
  }

  test::trail find_instructions() { return victim_.step_to_marker(); }

  /// How far the operation had come. `elsewhere`: the victim stood at the end instead.
  int kill_at(const test::trail& way, std::size_t k, bool& elsewhere) {
    elsewhere = !victim_.run_along(way, k);
    victim_.kill();
    const int far = trial_->judge_death();
    if ((elsewhere || k >= way.size()) && far != trial_->whole()) {
      throw std::runtime_error("an operation that ended, and did not take place");
    }
    return trial_->allocates() ? 0 : far;
  }

  void stop_at(const test::trail& way, std::size_t k, bool& elsewhere) {
    elsewhere = !victim_.run_along(way, k);
    trial_->go_on();
    if (const int code = victim_.finish(); code != 0) {
      throw std::runtime_error("the one who was stopped ended with " + std::to_string(code));
    }
    trial_->judge_return();
  }

 private:
  std::unique_ptr<trial> trial_;
  test::traced victim_;
};

}  // namespace

figures& figures::operator+=(const figures& other) {
  operations += other.operations;
  instructions += other.instructions;
  kills += other.kills;
  stops += other.stops;
  elsewhere += other.elsewhere;
  violations += other.violations;
  return *this;
}

figures sweep(const named_trial& t, const extent& which) {
  figures result;
  const auto attempt = [&](const char* what, std::size_t k, const std::function<void()>& body) {
    const std::string here = t.name + ", " + what + " " + std::to_string(k);
    test::watch_case(here.c_str());
    test::allow(100);
    try {
      body();
    } catch (const std::exception& problem) {
      ++result.violations;
      std::printf("VIOLATION: %s: %s\n", here.c_str(), problem.what());
    }
    test::watch_case("between two runs");
  };
  test::trail way;
  attempt("stepped through", 0, [&] {
    way = run(t, fate::killed, 0).find_instructions();
    if (t.comes_by != 0 && std::ranges::find(way, t.comes_by) == way.end()) {
      throw std::runtime_error("it never came to do what its name says");
    }
  });
  if (way.empty()) {
    return result;
  }
  result.operations = 1;
  result.instructions = way.size();
  const std::size_t last = way.size();
  const std::size_t stride = which.most >= last ? 1 : (last + which.most - 1) / which.most;
  // Not the same instructions of operations that are much alike.
  const std::size_t first =
      which.only != extent::all ? which.only : std::hash<std::string>{}(t.name) % stride;
  int farthest = std::numeric_limits<int>::min();
  for (std::size_t k = first; k <= last; k += stride) {
    attempt("killed at", k, [&] {
      bool elsewhere = false;
      const int far = run(t, fate::killed, k).kill_at(way, k, elsewhere);
      ++result.kills;
      result.elsewhere += elsewhere ? 1 : 0;
      if (!elsewhere && far < farthest) {
        throw std::runtime_error("less came of it than before");
      }
      farthest = elsewhere ? farthest : far;
    });
    attempt("stopped at", k, [&] {
      bool elsewhere = false;
      run(t, fate::stopped, k).stop_at(way, k, elsewhere);
      ++result.stops;
      result.elsewhere += elsewhere ? 1 : 0;
    });
    if (which.only != extent::all) {
      break;
    }
  }
  return result;
}

}  // namespace single_step
