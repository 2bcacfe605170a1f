// How the two sides of a box sleep and wake each other: the protocol of meeting.hpp, under waiters
// that are threads of the stage. They wait as those of parking.hpp do.
#include <memory>
#include <optional>
#include <stop_token>

#include <millrace/box/detail/meeting.hpp>

#include "atomics.hpp"
#include "scenarios.hpp"

namespace millrace::interleaving {
namespace {

using detail::waiter;
using detail::waiting_sender;

struct setting {
  unsigned senders = 2;
  unsigned each = 1;
  bool times_out = false;  // whoever waits for room may give up at any time
  bool closes = false;
  unsigned takes = 0;   // so many messages are received, and no more; 0: all
  bool stays = false;   // a sender has its input till all is received
  unsigned throws = 0;  // so many of each sender's first messages cannot be moved into the box
};

class sleeper : public waiter {
 public:
  sleeper()
      : waiter{[](waiter& w) noexcept {
          auto& self = static_cast<sleeper&>(w);
          stage::fence();
          stage::require(self.here_ && !self.woken_, "somebody was woken twice, or was gone");
          self.woken_ = true;
        }} {}
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() { here_ = false; }

  void sleep() {
    stage::wait([this] { return woken_; });
  }

 private:
  bool woken_ = false;
  volatile bool here_ = true;
};

template <class Policy, bool Throws, class A>
class play {
 public:
  using Message = message<Throws>;
  using Meeting = detail::meeting<Message, Policy, A>;

  play(Meeting& meeting, const setting& s) : meeting_(meeting), setting_(s), account_(s.senders) {}

  void send(unsigned who) {
    detail::tail_guess guess;
    for (unsigned i = 0; i < setting_.each; ++i) {
      Message m(who, i);
      m.moves_left = i < setting_.throws ? 0 : 99;
      const bool too_late = closed_;
      try {
        const status s = send(std::move(m), guess);
        stage::require(!too_late || s == status::closed, "accepted after a close");
        stage::require(s != status::closed || setting_.closes, "closed, but nobody closed it");
        if (s == status::ok) {
          account_.accepted(who, i);
        }
      } catch (const std::runtime_error&) {
        stage::require(i < setting_.throws, "another sender's exception");
      }
    }
    if (setting_.stays) {
      stage::wait([this] { return received_ == setting_.senders * setting_.each; });
    }
    meeting_.drop_input();
  }
  void receive() {
    for (unsigned taken = 0; setting_.takes == 0 || taken < setting_.takes; ++taken) {
      std::optional<Message> m;
      if (receive(m) == status::closed) {
        return;
      }
      account_.received(m->sender, m->number);
      ++received_;
    }
  }
  void close() {
    meeting_.close();
    closed_ = true;
  }
  /// After the run.
  [[nodiscard]] std::string result() {
    for (std::optional<Message> m; meeting_.try_receive(m) == status::ok; m.reset()) {
      account_.received(m->sender, m->number);
    }
    return account_.close();
  }

 private:
  status send(Message&& m, detail::tail_guess& guess) {
    const status s = meeting_.try_send(std::move(m), guess);
    if (s != status::full) {
      return s;
    }
    if constexpr (Policy::bounded) {
      sleeper me;
      waiting_sender<Message> mine{&m, &me};
      if (!meeting_.line_up(mine, std::stop_token())) {
        if (!setting_.times_out || !meeting_.step_out(mine, status::timeout)) {
          me.sleep();
        }
      }
      return Meeting::outcome(mine);
    }
    return s;
  }
  status receive(std::optional<Message>& m) {
    for (;;) {
      status s = meeting_.try_receive(m);
      if (s != status::empty) {
        return s;
      }
      sleeper me;
      meeting_.announce(me);
      s = meeting_.try_receive(m);
      if (s == status::empty || !meeting_.withdraw(me)) {
        me.sleep();
      }
      if (s != status::empty) {
        return s;
      }
    }
  }

  Meeting& meeting_;
  const setting setting_;
  account account_;
  unsigned received_ = 0;
  bool closed_ = false;
};

template <bool Throws, class A = staged_atomics, class Policy>
std::string run(schedules& how, const Policy& policy, const setting& s) {
  std::string wrong;
  {
    typename play<Policy, Throws, A>::Meeting meeting(policy);
    play<Policy, Throws, A> p(meeting, s);
    std::vector<std::function<void()>> threads;
    for (unsigned i = 0; i < s.senders; ++i) {
      meeting.add_input();
      threads.emplace_back([&p, i] { p.send(i); });
    }
    threads.emplace_back([&] { p.receive(); });
    if (s.closes) {
      threads.emplace_back([&] { p.close(); });
    }
    wrong = stage::run(how, threads);
    if (wrong.empty()) {
      wrong = p.result();
    }
  }
  if (wrong.empty() && message<Throws>::alive != 0) {
    wrong = "messages were not destroyed, or more than once";
  }
  return wrong;
}

/// A sender lines up in a coroutine, which another thread goes on with as soon as it is served, and
/// which ends then; and so does the receiver. Nothing is left that keeps the box.
std::string run_ending(schedules& how) {
  using Message = message<false>;
  using Meeting = detail::meeting<Message, blocking, staged_atomics>;
  struct frame {
    explicit frame(std::shared_ptr<Meeting> with) : meeting(std::move(with)) {}
    std::shared_ptr<Meeting> meeting;
    Message m{0, 1};
    sleeper me{};
    waiting_sender<Message> mine{&m, &me};
  };
  auto meeting = std::make_shared<Meeting>(blocking{1});
  meeting->add_input();
  (void)meeting->try_send(Message(0, 0));
  auto sender = std::make_unique<frame>(meeting);
  bool suspended = false;
  std::string wrong = stage::run(how, {[&] {
                                         frame& f = *sender;
                                         suspended = true;
                                         if (f.meeting.get()->line_up(f.mine, {})) {
                                           f.me.wake(f.me);
                                         }
                                       },
                                       [&] {
                                         stage::wait([&] { return suspended; });
                                         sender->me.sleep();
                                         sender->meeting->drop_input();
                                         stage::fence();  // as counting owners is
                                         sender.reset();
                                       },
                                       [&] {
                                         for (std::optional<Message> m; !m || m->number == 0;) {
                                           m.reset();
                                           if (meeting->try_receive(m) == status::empty) {
                                             stage::give_way();
                                           }
                                         }
                                         stage::fence();  // as counting owners is
                                         meeting.reset();
                                       }});
  return wrong;
}

}  // namespace

std::vector<scenario> meeting_scenarios() {
  std::vector<scenario> all;
  const auto add = [&](const std::string& name, unsigned deviations, std::uint64_t least,
                       auto policy, const setting& s) {
    all.push_back({name, deviations, 5'000, least, [policy, s](schedules& how) {
                     return s.throws != 0 ? run<true>(how, policy, s) : run<false>(how, policy, s);
                   }});
  };
  add("box, unlimited", 3, 50'000, unlimited{}, {.each = 2});
  add("box, unlimited, nothing sent", 5, 2'000, unlimited{}, {.each = 0});
  add("box, unlimited, close", 3, 25'000, unlimited{}, {.closes = true});
  for (const std::size_t limit : {1u, 2u}) {
    const std::string name = "box, limit " + std::to_string(limit);
    add(name, 3, 150'000, blocking{limit}, {.each = 2});
    add(name + ", time-outs", 3, 100'000, blocking{limit}, {.each = 2, .times_out = true});
    add(name + ", close", 3, 200'000, blocking{limit}, {.each = 2, .closes = true});
    add(name + ", a receiver that leaves", 3, 1'000, blocking{limit},
        {.each = static_cast<unsigned>(limit), .takes = static_cast<unsigned>(limit)});
    add(name + ", a receiver that leaves, close", 3, 1'000, blocking{limit},
        {.each = 2, .closes = true, .takes = 1});
    add(name + ", moves throw", 2, 15'000, blocking{limit}, {.each = 3, .throws = 2});
  }
  const auto add_quiet = [&](const std::string& name, auto policy, const setting& s) {
    all.push_back({name, 3, 5'000, 10'000, [policy, s](schedules& how) {
                     return run<false, staged_quiet_atomics>(how, policy, s);
                   }});
  };
  add_quiet("quiet box, senders that stay", quiet<unlimited>{}, {.stays = true});
  add_quiet("quiet box, limit 1, senders that stay", quiet<blocking>{{1}}, {.stays = true});
  add_quiet("quiet box, limit 1, a receiver that leaves", quiet<blocking>{{1}}, {.takes = 1});
  all.push_back({"box, ends with its sender", 4, 5'000, 15'000, run_ending});
  return all;
}

}  // namespace millrace::interleaving
