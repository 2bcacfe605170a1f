// How coroutines that are ready get to the jobs of a scheduler: the protocol of ready_lanes.hpp.
// Two threads are the executor, others feed it.
#include <array>
#include <memory>

#include "box/ready_lanes.hpp"

#include "atomics.hpp"
#include "scenarios.hpp"

namespace millrace::interleaving {
namespace {

class play {
 public:
  static constexpr unsigned executors = 2;

  /// What coroutines do when they go on.
  struct coroutine : detail::resumable {
    explicit coroutine(play& in) : resumable(go_on_here), of(in) {}

    play& of;
    std::vector<coroutine*> makes_ready;
    const coroutine* waits_for = nullptr;  // as a thread waits, keeping its processor
    bool gone = false;
    bool over = false;

   private:
    static void go_on_here(resumable& r) {
      auto& self = static_cast<coroutine&>(r);
      stage::require(!self.gone, "a coroutine goes on twice, or was taken out");
      self.gone = true;
      for (coroutine* each : self.makes_ready) {
        self.of.push(*each);
      }
      if (self.waits_for != nullptr) {
        stage::wait([&] { return self.waits_for->gone; });
      }
      self.over = true;
    }
  };

  coroutine& add() { return *coroutines_.emplace_back(std::make_unique<coroutine>(*this)); }
  void push(coroutine& c) {
    lane* const here = works_at_.at(stage::who());
    if (here != nullptr) {
      lanes_.push(c, *here);
    } else {
      lanes_.feed(c);
    }
  }
  /// It does not go on, unless it has already.
  void take_out(coroutine& c) {
    if (lanes_.remove(c)) {
      stage::require(!c.gone, "what went on was taken out");
      c.gone = c.over = true;
    }
  }
  void execute() {
    for (;;) {
      stage::wait([this] { return host_.posted != 0 || all_are_over(); });
      if (host_.posted == 0) {
        return;
      }
      --host_.posted;
      const lanes_type::job job(lanes_);
      works_at_.at(stage::who()) = &job.own_lane();
      lanes_.work(job);
      works_at_.at(stage::who()) = nullptr;
    }
  }
  [[nodiscard]] bool all_are_over() const {
    for (const auto& each : coroutines_) {
      if (!each->over) {
        return false;
      }
    }
    return true;
  }

 private:
  struct host {
    static constexpr std::size_t lanes = 2;
    static constexpr int resumptions_in_a_row = 2;
    static constexpr int waits_for_more = 1;

    void post_job() {
      stage::step();
      ++posted;
    }
    static void before_each() {}
    static void wait_for_more() { stage::give_way(); }
    template <class Done>
    [[nodiscard]] static bool wait_briefly(Done done) {
      stage::give_way();
      return done();
    }

    unsigned posted = 0;
  };
  using lanes_type = detail::ready_lanes<staged_atomics, host>;
  using lane = lanes_type::lane;

  host host_;
  lanes_type lanes_{host_};
  std::array<lane*, 8> works_at_{};
  std::vector<std::unique_ptr<coroutine>> coroutines_;
};

using threads = std::vector<std::function<void()>>;

std::string run(schedules& how, threads (*feeders_of)(play&)) {
  play p;
  threads all = feeders_of(p);
  for (unsigned i = 0; i < play::executors; ++i) {
    all.emplace_back([&p] { p.execute(); });
  }
  return stage::run(how, all);
}

/// Each of two feeds two.
threads two_feed(play& p) {
  threads all;
  for (int i = 0; i < 2; ++i) {
    auto& first = p.add();
    auto& second = p.add();
    all.emplace_back([&] {
      p.push(first);
      p.push(second);
    });
  }
  return all;
}

/// One that is fed makes others ready, more than a job goes on with in a row.
threads one_makes_others_ready(play& p) {
  auto& first = p.add();
  for (int i = 0; i < 4; ++i) {
    first.makes_ready.push_back(&p.add());
  }
  first.makes_ready.front()->makes_ready.push_back(&p.add());
  return {[&] { p.push(first); }};
}

/// One keeps its thread until another has gone on that it has made ready.
threads one_waits_for_what_it_makes_ready(play& p) {
  auto& first = p.add();
  auto& second = p.add();
  first.makes_ready = {&second};
  first.waits_for = &second;
  return {[&] { p.push(first); }};
}

/// The same for one that is behind it, wherever that comes to lie: fed, or stolen.
threads one_waits_for_what_is_behind(play& p) {
  auto& first = p.add();
  auto& waits = p.add();
  auto& behind = p.add();
  first.makes_ready = {&p.add(), &p.add(), &waits, &behind, &p.add(), &p.add()};
  waits.waits_for = &behind;
  return {[&] { p.push(first); }};
}
threads one_waits_for_what_is_fed(play& p) {
  auto& waits = p.add();
  auto& other = p.add();
  waits.waits_for = &other;
  return {[&] { p.push(waits); }, [&] { p.push(other); }};
}

/// One is taken out while others are fed.
threads one_is_taken_out(play& p) {
  auto& first = p.add();
  auto& second = p.add();
  auto& third = p.add();
  return {[&] {
            p.push(first);
            p.push(second);
            p.take_out(second);
          },
          [&] { p.push(third); }};
}

}  // namespace

std::vector<scenario> scheduler_scenarios() {
  std::vector<scenario> all;
  const auto add = [&](const char* name, unsigned deviations, std::uint64_t least,
                       threads (*feeders_of)(play&)) {
    all.push_back({name, deviations, 100'000, least,
                   [feeders_of](schedules& how) { return run(how, feeders_of); }});
  };
  add("scheduler, two feed", 3, 200'000, two_feed);
  add("scheduler, one makes others ready", 3, 150'000, one_makes_others_ready);
  add("scheduler, waits for what it makes ready", 3, 12'000, one_waits_for_what_it_makes_ready);
  add("scheduler, waits for what is behind", 3, 150'000, one_waits_for_what_is_behind);
  add("scheduler, waits for what is fed", 3, 70'000, one_waits_for_what_is_fed);
  add("scheduler, one is taken out", 3, 180'000, one_is_taken_out);
  return all;
}

}  // namespace millrace::interleaving
