// Recoverers that are killed or stopped while they clean up after somebody who was killed.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "fault/single_step/record.hpp"
#include "fault/single_step/trial.hpp"
#include "queue/recovery.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::delivery;
using millrace::status;
using namespace std::chrono_literals;

namespace {

/// What the first of the dead left.
enum class left {
  claim,
  loan,
  both
};

struct plan {
  left what;
  setting where;
  bool twice;  // a second recoverer is killed as well
};

constexpr std::size_t in_hands = 600;  // bytes of the message that the first of the dead had
constexpr std::size_t behind = 2;      // and of the one after it

/// Where cleaning up after somebody begins.
const auto cleaning_up = reinterpret_cast<std::uintptr_t>(&millrace::detail::clean_up_after);

/// A process that dies with a claim, a loan, or one of each, of three slots.
void die_holding(left what, const millrace::queue_options& options) {
  const test::gate ready;
  auto first = test::child::run([&] {
    std::optional<millrace::publisher> p;
    std::optional<millrace::subscriber> s;
    std::optional<millrace::reservation> room;
    std::optional<millrace::message> m;
    if (what != left::loan) {
      p.emplace("q", options);
      room = p->try_reserve(in_hands);
      test::expect(room.has_value());
    }
    if (what != left::claim) {
      s.emplace("q", options);
      m = s->try_dequeue();
      test::expect(m.has_value());
    }
    ready.open();
    const test::gate never;
    never.await();
    return 0;
  });
  ready.await();
  first.kill();
}

class recovering_trial : public trial {
 public:
  recovering_trial(const plan& how, fate f, std::size_t k)
      : how_(how), arena_(how.where, f), k_(k) {
    if (how.twice) {
      second_.emplace([this] { return victim(); });
    }
  }

  int victim() override { return how_.what == left::both ? join() : look_around(); }

  void lead(test::traced& recoverer) override {
    if (how_.what != left::claim) {
      put(in_hands);
    }
    die_holding(how_.what, arena_.options());
    if (how_.what != left::loan) {
      put(behind);
    }
    recoverer.run_to_marker();
  }
  int judge_death() override {
    kill_second();
    arena_.send(2);
    judge(true);
    return 0;
  }
  [[nodiscard]] int whole() const override { return 0; }

  void go_on() override {
    kill_second();
    arena_.exchange();
  }
  void judge_return() override {
    arena_.send(1);
    judge(how_.twice);
  }

 private:
  /// A subscriber that comes upon what the dead left.
  int look_around() {
    millrace::subscriber s("q", arena_.options());
    look(s);  // what a new handle does once is done
    test::marker();
    // Everything but the calls in which it finds out.
    int calls = 1;
    if (how_.what == left::claim) {
      look(s);
      std::this_thread::sleep_for(2ms);
    } else {
      // An idle subscriber looks around at about every 64th call, if some time has passed; at the
      // second look it sees what stands still.
      for (int i = 2; i < 120; ++i) {
        if (i == 56) {
          std::this_thread::sleep_for(5ms);
        }
        look(s);
      }
      std::this_thread::sleep_for(5ms);
      calls = 16;
    }
    std::optional<millrace::message> m;
    test::marker();
    for (int i = 0; i < calls && !m; ++i) {
      m = s.try_dequeue();
    }
    test::marker();
    note(m);
    return 0;
  }

  /// Somebody who joins, and cleans up behind all who died before.
  int join() {
    test::marker();
    test::marker();
    millrace::subscriber s("q", arena_.options());
    test::marker();
    look(s);
    return 0;
  }

  void put(std::size_t size) {
    test::expect(arena_.publisher().try_enqueue(contents(victims(size))) == status::ok);
  }

  void look(millrace::subscriber& s) { note(s.try_dequeue()); }
  void note(const std::optional<millrace::message>& m) {
    if (m) {
      record_.note(recognised(m->bytes(), m->redelivered()));
    }
  }

  void kill_second() {
    if (second_) {
      second_->run_to_marker();
      // Anywhere in its cleaning up, if it comes to that, but not where the first one was.
      if (second_->run_to(cleaning_up)) {
        (void)second_->step(k_ * 31 % 811);
      }
      second_->kill();
    }
  }

  void judge(bool recoverers_died) {
    arena_.receive();
    arena_.drain();
    check_numbered(arena_.received(), arena_.sent());
    std::vector<arrival> all = arena_.received();
    const auto its = record_.all();
    all.insert(all.end(), its.begin(), its.end());
    const auto marked = [&](std::size_t size) {
      return std::ranges::count(all, arrival{victims(size), true});
    };
    const auto times = [&](std::size_t size) { return count_of(all, victims(size)); };
    const bool once = how_.where.guarantee == delivery::at_most_once;
    if (how_.what == left::claim) {
      test::expect(times(in_hands) == 0, "a message that nobody finished writing");
    }
    if (how_.what != left::loan) {
      // The recoverers may have died with it.
      test::expect(times(behind) == 1 || (times(behind) == 0 && once && recoverers_died),
                   "the message behind");
      test::expect(marked(behind) == 0 || recoverers_died, "the message behind is marked");
    }
    if (how_.what != left::claim) {
      test::expect(times(in_hands) == (once ? 0 : 1), "the message in dead hands");
      test::expect(marked(in_hands) == times(in_hands), "the message in dead hands is not marked");
    }
    arena_.inspect_and_close();
  }

  plan how_;
  record record_;
  arena arena_;
  std::size_t k_;
  std::optional<test::traced> second_;
};

}  // namespace

void add_recovering(std::vector<named_trial>& all) {
  const auto add = [&](const std::string& title, const plan& how) {
    all.push_back(
        {title,
         [how](fate f, std::size_t k) { return std::make_unique<recovering_trial>(how, f, k); },
         cleaning_up});
  };
  for (const bool twice : {false, true}) {
    const std::string times = twice ? ", twice in a row" : "";
    for (const left what : {left::claim, left::loan}) {
      const std::string of = what == left::claim ? "claim" : "loan";
      for (const delivery d : {delivery::at_least_once, delivery::at_most_once}) {
        const std::string promise = d == delivery::at_least_once ? "" : ", at most once";
        add("recovery of a " + of + promise + times, {what, {.guarantee = d}, twice});
        if (!twice) {
          add("recovery of a " + of + " at the last lap's end" + promise,
              {what, {.guarantee = d, .begin = 15 * arena::slots + 61}, false});
        }
      }
    }
  }
  add("recovery of a claim and a loan by joining", {left::both, {}, false});
}

}  // namespace single_step
