// How a queue ends while others join it: the protocol of closing.hpp. The threads stand for
// processes; what these ask the kernel takes place at once.
#include <algorithm>
#include <array>

#include "queue/closing.hpp"

#include "atomics.hpp"
#include "scenarios.hpp"

namespace millrace::interleaving {
namespace {

using detail::header;

class play {
 public:
  /// A transient queue, and one who takes part in it from the beginning.
  void leave() {
    set_place(false);
    close();
  }
  void visit_transient() {
    if (!close() && join()) {
      leave();
    }
  }
  void begin_with(unsigned who) {
    places_.at(who) = true;
    joined_.store(true, std::memory_order_seq_cst);
  }

  /// A persistent queue, and one who made it and cannot join.
  void withdraw() {
    (void)detail::close_unless(
        events_, [this] { return joined_.load(std::memory_order_seq_cst) || held_by_others(); });
  }
  void visit_persistent() {
    if (join()) {
      set_place(false);
    }
  }

  [[nodiscard]] bool removed() const {
    return (events_.load(std::memory_order_acquire) & header::removed) != 0;
  }
  [[nodiscard]] bool anybody_took_part() const { return took_part_; }

 private:
  bool close() {
    return detail::close_unless(events_, [this] { return held_by_others(); });
  }
  /// In the order of participant::take_place. It takes part as long as nobody is told otherwise.
  bool join() {
    set_place(true);
    joined_.store(true, std::memory_order_seq_cst);
    if (!detail::keep_open(events_)) {
      set_place(false);
      return false;
    }
    took_part_ = true;
    for (int i = 0; i < 2; ++i) {
      stage::require(!removed(), "a queue ended under somebody who takes part in it");
    }
    return true;
  }

  void set_place(bool taken) {
    ask_kernel();
    places_.at(stage::who()) = taken;
  }
  [[nodiscard]] bool held_by_others() const {
    ask_kernel();
    return std::ranges::count(places_, true) > (places_.at(stage::who()) ? 1 : 0);
  }
  static void ask_kernel() {
    stage::step();
    stage::fence();
  }

  staged<std::uint64_t> events_ = 0;
  staged<bool> joined_ = false;
  std::array<bool, 4> places_{};
  bool took_part_ = false;
};

std::string run_transient(schedules& how, unsigned visitors) {
  play p;
  p.begin_with(0);
  std::vector<std::function<void()>> threads{[&] { p.leave(); }};
  threads.resize(1 + visitors, [&] { p.visit_transient(); });
  std::string wrong = stage::run(how, threads);
  return !wrong.empty() || p.removed() ? wrong : "all have left, and the queue is there";
}

std::string run_persistent(schedules& how) {
  play p;
  const auto withdraw = [&] { p.withdraw(); };
  const auto visit = [&] { p.visit_persistent(); };
  std::string wrong = stage::run(how, {withdraw, visit, visit});
  if (!wrong.empty()) {
    return wrong;
  }
  return p.removed() && p.anybody_took_part() ? "a queue that was used was withdrawn" : "";
}

}  // namespace

std::vector<scenario> closing_scenarios() {
  return {{"closing, the last leaves, one joins", 5, 50'000, 1'000,
           [](schedules& how) { return run_transient(how, 1); }},
          {"closing, the last leaves, three join", 3, 200'000, 40'000,
           [](schedules& how) { return run_transient(how, 3); }},
          {"closing, its maker withdraws, two join", 5, 50'000, 1'000, run_persistent}};
}

}  // namespace millrace::interleaving
