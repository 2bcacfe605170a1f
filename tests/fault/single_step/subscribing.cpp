// Subscribers that are killed or stopped in the middle of it.
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "fault/single_step/record.hpp"
#include "fault/single_step/trial.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::delivery;
using millrace::role;
using millrace::status;

namespace {

enum class operation {
  try_dequeue,
  dequeue,
  second,  // try_dequeue, while the message before is kept
  done,
  requeue,
  copy
};

constexpr std::size_t warming = 7;  // bytes of a message that the victim got before
constexpr std::size_t behind = 2;   // bytes of the message behind the one that all is about

struct plan {
  operation what;
  std::size_t size;
  setting where;
  bool warm;
};

/// What became of a message, as the survivors see it.
enum class trace {
  untouched,
  redelivered,
  gone
};

class subscribing_trial : public trial {
 public:
  subscribing_trial(const plan& how, fate f) : how_(how), arena_(how.where, f) {
    if (how.warm) {
      put(warming);
    }
    put(how.size);
    put(behind);
    arena_.send(2);
    arena_.lend_subscribing();
  }

  int victim() override {
    millrace::subscriber s("q", arena_.options());
    if (how_.warm) {
      test::expect(s.try_dequeue().has_value());
    }
    std::optional<millrace::message> first;
    if (how_.what == operation::second || how_.what == operation::done ||
        how_.what == operation::requeue) {
      first = s.try_dequeue();
      test::expect(first && first->bytes().size() == how_.size);
    }
    if (how_.what == operation::done) {
      record_.note(recognised(first->bytes(), first->redelivered()));
    }
    std::array<std::byte, 8192> buffer;
    std::size_t size = 0;
    std::optional<millrace::message> second;
    status answer = status::empty;
    test::marker();
    switch (how_.what) {
    case operation::try_dequeue:
    case operation::second:
      second = s.try_dequeue();
      break;
    case operation::dequeue:
      second = s.dequeue_for(std::chrono::milliseconds(5));
      break;
    case operation::done:
      first.reset();
      break;
    case operation::requeue:
      first->requeue();
      break;
    case operation::copy:
      answer = s.try_dequeue(buffer, size);
      break;
    }
    test::marker();
    for (const auto* m : {&first, &second}) {
      if (*m && how_.what != operation::requeue) {
        record_.note(recognised((*m)->bytes(), (*m)->redelivered()));
      }
    }
    if (answer == status::ok) {
      record_.note(recognised(std::span(buffer).first(size), false));
    }
    return 0;
  }

  int judge_death() override {
    arena_.send(2);
    arena_.receive();
    arena_.drain();
    const auto& all = arena_.received();
    check_numbered(all, arena_.sent());
    const trace became = trace_of(all, subject());
    if (how_.what == operation::second) {
      test::expect(trace_of(all, how_.size) == in_dead_hands(), "the message kept meanwhile");
    } else {
      test::expect(trace_of(all, behind) == trace::untouched, "the message behind");
    }
    const bool once = how_.where.guarantee == delivery::at_most_once;
    test::expect(!once || how_.what == operation::requeue || became != trace::redelivered,
                 "delivered at most once");
    test::expect(became != trace::gone || once || ends_it(), "lost");
    arena_.inspect_and_close();
    // Where delivery is at most once, a message given back comes back from nowhere.
    return how_.what == operation::requeue ? -static_cast<int>(became) : static_cast<int>(became);
  }
  [[nodiscard]] int whole() const override {
    switch (how_.what) {
    case operation::done:
    case operation::copy:
      return static_cast<int>(trace::gone);
    case operation::requeue:
      return -static_cast<int>(trace::redelivered);
    default:
      return static_cast<int>(in_dead_hands());
    }
  }

  void go_on() override {
    if (how_.where.subscribers == role::shared) {
      arena_.exchange();
    } else {
      arena_.send(3);  // nobody else may subscribe
    }
  }
  void judge_return() override {
    arena_.send(1);
    arena_.receive();
    arena_.drain();
    std::vector<arrival> all = arena_.received();
    check_numbered(all, arena_.sent());
    const auto its = record_.all();
    all.insert(all.end(), its.begin(), its.end());
    for (const std::size_t size : {how_.size, behind}) {
      const bool back = how_.what == operation::requeue && size == how_.size;
      test::expect(trace_of(all, size) == (back ? trace::redelivered : trace::untouched),
                   "a message of " + std::to_string(size) + " bytes");
    }
    arena_.inspect_and_close();
  }

 private:
  void put(std::size_t size) {
    test::expect(arena_.publisher().try_enqueue(contents(victims(size))) == status::ok);
  }
  [[nodiscard]] std::size_t subject() const {
    return how_.what == operation::second ? behind : how_.size;
  }
  [[nodiscard]] bool ends_it() const {
    return how_.what == operation::done || how_.what == operation::copy;
  }
  [[nodiscard]] trace in_dead_hands() const {
    return how_.where.guarantee == delivery::at_most_once ? trace::gone : trace::redelivered;
  }
  [[nodiscard]] static trace trace_of(const std::vector<arrival>& all, std::size_t size) {
    const int times = count_of(all, victims(size));
    test::expect(times <= 1, "delivered twice");
    const bool marked = std::ranges::count(all, arrival{victims(size), true}) != 0;
    return times == 0 ? trace::gone : marked ? trace::redelivered : trace::untouched;
  }

  plan how_;
  record record_;
  arena arena_;
};

}  // namespace

void add_subscribing(std::vector<named_trial>& all) {
  const auto add = [&](const std::string& title, const plan& how) {
    all.push_back({title, [how](fate f, std::size_t) {
                     return std::make_unique<subscribing_trial>(how, f);
                   }});
  };
  struct kind {
    const char* name;
    operation what;
  };
  const std::array kinds{
      kind{"try_dequeue", operation::try_dequeue},   kind{"dequeue", operation::dequeue},
      kind{"second try_dequeue", operation::second}, kind{"done", operation::done},
      kind{"requeue", operation::requeue},           kind{"copying try_dequeue", operation::copy}};
  for (const role r : {role::shared, role::exclusive}) {
    for (const delivery d : {delivery::at_least_once, delivery::at_most_once}) {
      const std::string promise =
          std::string(r == role::shared ? ", shared" : ", exclusive subscriber") +
          (d == delivery::at_least_once ? "" : ", at most once");
      const setting middle{.subscribers = r, .guarantee = d};
      for (const kind& k : kinds) {
        for (const std::size_t size : {0, 1, 48, 49, 113, 4096}) {
          const std::string what = std::string(k.name) + " of " + std::to_string(size) + " bytes";
          add(what + promise, {k.what, size, middle, false});
          if (k.what != operation::second) {
            add(what + promise + ", after another", {k.what, size, middle, true});
          }
        }
        setting end = middle;
        end.begin = 15 * arena::slots + 60;
        add(std::string(k.name) + " of 4096 bytes at the last lap's end" + promise,
            {k.what, 4096, end, true});
        end.begin += 2;
        add(std::string(k.name) + " of 49 bytes at the last lap's end" + promise,
            {k.what, 49, end, true});
      }
    }
  }
}

}  // namespace single_step
