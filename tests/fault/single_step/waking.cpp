// Those who are killed or stopped between a change to the queue and waking whoever sleeps for it.
#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "fault/single_step/record.hpp"
#include "fault/single_step/trial.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::role;
using millrace::status;

namespace {

constexpr std::size_t about = 49;       // bytes of the victim's message
constexpr std::size_t of_sleeper = 48;  // and of that of a publisher that sleeps

enum class operation {
  enqueue,  // somebody sleeps for a message
  wait,     // the same, and so does the victim, for a moment
  done      // somebody sleeps for room
};

/// Somebody sleeps in a call, and once the victim has made its change needs nobody else to wake.
class waking_trial : public trial {
 public:
  waking_trial(operation what, const setting& where, fate f)
      : what_(what), where_(where), fate_(f), arena_(where, f) {
    if (what == operation::done) {
      put(about);
      arena_.send(52);  // which fills the ring
      arena_.lend_subscribing();
      put_to_sleep([this](const test::gate& ready) {
        millrace::publisher p("q", arena_.options());
        ready.open();
        test::expect(p.enqueue(contents(victims(of_sleeper))) == status::ok);
      });
    } else {
      arena_.lend_publishing();
      put_to_sleep([this](const test::gate& ready) {
        millrace::subscriber s("q", arena_.options());
        ready.open();
        const auto m = s.dequeue();
        test::expect(m.has_value());
        got_.note(recognised(m->bytes(), m->redelivered()));
      });
    }
  }

  int victim() override {
    auto options = arena_.options();
    options.spin = std::chrono::nanoseconds::zero();
    std::optional<millrace::publisher> p;
    std::optional<millrace::subscriber> s;
    std::optional<millrace::message> m;
    if (what_ == operation::enqueue) {
      p.emplace("q", options);
    } else {
      s.emplace("q", options);
    }
    if (what_ == operation::done) {
      m = s->try_dequeue();
      test::expect(m && m->bytes().size() == about);
    }
    const test::bytes bytes = contents(victims(about));
    bool good = true;
    test::marker();
    switch (what_) {
    case operation::enqueue:
      good = p->try_enqueue(bytes) == status::ok;
      break;
    case operation::wait:
      good = !s->dequeue_for(std::chrono::milliseconds(2));
      break;
    case operation::done:
      m.reset();
      break;
    }
    test::marker();
    return good ? 0 : 3;
  }

  /// The sleeper has nothing to sleep for but the queue.
  void lead(test::traced&) override {
    test::eventually([this] { return test::process_state(sleeper_->pid()) == 'S'; });
  }

  int judge_death() override {
    const bool changed = happened();
    if (!changed) {
      help();
    }
    judge();
    return changed ? 1 : 0;
  }
  [[nodiscard]] int whole() const override { return what_ == operation::wait ? 0 : 1; }

  void go_on() override {
    const bool changed = happened();
    const bool alone = what_ == operation::enqueue
                           ? where_.publishers == role::exclusive
                           : what_ == operation::done && where_.subscribers == role::exclusive;
    if (!changed && !alone) {
      help();
    }
    if (changed || !alone) {
      see_it_wake();
    }
  }
  void judge_return() override { judge(); }

 private:
  void put(std::size_t size) {
    test::expect(arena_.publisher().try_enqueue(contents(victims(size))) == status::ok);
  }

  void put_to_sleep(const std::function<void(const test::gate&)>& call) {
    const test::gate ready;
    sleeper_.emplace(test::child::run([&] {
      call(ready);
      return 0;
    }));
    ready.await();
  }
  void see_it_wake() {
    if (sleeper_) {
      test::expect(sleeper_->wait() == 0, "the sleeper's end");
      sleeper_.reset();
    }
  }

  /// Whether the victim's change took place: its message is there, or gone.
  [[nodiscard]] bool happened() const {
    const auto now = arena_.info();
    if (what_ != operation::done) {
      return now.depth + now.in_hands != 0 || !got_.all().empty();
    }
    const auto waiting = millrace::peek("q", arena::slots, arena_.directory().path());
    return now.in_hands == 0 &&
           std::ranges::none_of(waiting, [](const auto& m) { return m.bytes.size() == about; });
  }
  /// Does for the sleeper what the victim has not.
  void help() {
    if (what_ == operation::done) {
      arena_.look();
    } else {
      arena_.send(1);
    }
  }

  void judge() {
    see_it_wake();
    arena_.drain();
    std::vector<arrival> all = arena_.received();
    const auto its = got_.all();
    all.insert(all.end(), its.begin(), its.end());
    check_numbered(all, arena_.sent());
    const int times = count_of(all, victims(about));
    switch (what_) {
    case operation::enqueue:
      test::expect(times == 1 || (times == 0 && fate_ == fate::killed), "the victim's message");
      break;
    case operation::wait:
      test::expect(times == 0, "a message from nowhere");
      break;
    case operation::done:
      test::expect(times == 0 || (times == 1 && fate_ == fate::killed), "the victim's message");
      test::expect(count_of(all, victims(of_sleeper)) == 1, "the sleeper's message");
      break;
    }
    arena_.inspect_and_close();
  }

  operation what_;
  setting where_;
  fate fate_;
  arena arena_;
  record got_;
  std::optional<test::child> sleeper_;
};

}  // namespace

void add_waking(std::vector<named_trial>& all) {
  const auto add = [&](const char* title, operation what, const setting& where) {
    all.push_back({title, [=](fate f, std::size_t) {
                     return std::make_unique<waking_trial>(what, where, f);
                   }});
  };
  add("waking by an enqueue, shared", operation::enqueue, {});
  add("waking by an enqueue, exclusive publisher", operation::enqueue,
      {.publishers = role::exclusive});
  add("falling asleep beside another, shared", operation::wait, {});
  add("waking by a message's end, shared", operation::done, {});
  add("waking by a message's end, exclusive subscriber", operation::done,
      {.subscribers = role::exclusive});
}

}  // namespace single_step
