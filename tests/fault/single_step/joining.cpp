// Those who are killed or stopped while they make, open or leave a queue.
#include <algorithm>
#include <optional>
#include <utility>

#include "fault/single_step/trial.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::lifetime;
using millrace::status;

namespace {

constexpr std::size_t greeting = 48;  // bytes of the victim's first message
constexpr std::size_t on_loan = 600;  // and of one that it has when it leaves

enum class operation {
  create,
  create_transient,
  open,
  close_publisher,
  close_subscriber,  // with a message on loan
};

/// Joining and leaving while others take part, or where nothing is.
class joining_trial : public trial {
 public:
  joining_trial(operation what, fate f) : what_(what), arena_(where(what), f) {
    if (!creates()) {
      arena_.send(2);
      arena_.look();
    }
    if (what == operation::close_subscriber) {
      put(on_loan);
    }
  }

  int victim() override {
    std::optional<millrace::publisher> p;
    std::optional<millrace::subscriber> s;
    std::optional<millrace::message> m;
    if (what_ == operation::close_subscriber) {
      s.emplace("q", arena_.options());
      m = s->try_dequeue();
      test::expect(m.has_value());
    }
    if (what_ == operation::close_publisher) {
      p.emplace("q", arena_.options());
      test::expect(p->try_enqueue(contents(victims(greeting))) == status::ok);
    }
    test::marker();
    if (what_ == operation::close_subscriber) {
      s.reset();
    } else if (what_ == operation::close_publisher) {
      p.reset();
    } else {
      p.emplace("q", arena_.options());
    }
    test::marker();
    if (p) {
      test::expect(p->try_enqueue(contents(victims(greeting))) == status::ok);
    }
    return 0;
  }

  int judge_death() override {
    arena_.send(3);
    arena_.receive();
    arena_.drain();
    check(what_ == operation::close_publisher ? 1 : 0);
    arena_.inspect_and_close();
    return 0;
  }
  [[nodiscard]] int whole() const override { return 0; }

  void go_on() override {
    arena_.exchange();
    test::expect(arena_.directory().entries().size() == 1, "files while one is stopped");
  }
  void judge_return() override {
    arena_.send(1);
    arena_.receive();
    arena_.drain();
    check(what_ == operation::close_subscriber ? 0 : 1);
    arena_.inspect_and_close();
  }

 private:
  [[nodiscard]] bool creates() const {
    return what_ == operation::create || what_ == operation::create_transient;
  }
  [[nodiscard]] static setting where(operation what) {
    return {.life =
                what == operation::create_transient ? lifetime::transient : lifetime::persistent,
            .present = what != operation::create && what != operation::create_transient};
  }
  void put(std::size_t size) {
    test::expect(arena_.publisher().try_enqueue(contents(victims(size))) == status::ok);
  }
  void check(int greetings) const {
    const auto& all = arena_.received();
    check_numbered(all, arena_.sent());
    test::expect(count_of(all, victims(greeting)) == greetings, "the victim's message");
    test::expect(what_ != operation::close_subscriber ||
                     (count_of(all, victims(on_loan)) == 1 &&
                      std::ranges::count(all, arrival{victims(on_loan), true}) == 1),
                 "the message on loan");
  }

  operation what_;
  arena arena_;
};

}  // namespace

void add_joining(std::vector<named_trial>& all) {
  const auto add = [&](const char* title, operation what) {
    all.push_back(
        {title, [what](fate f, std::size_t) { return std::make_unique<joining_trial>(what, f); }});
  };
  add("create", operation::create);
  add("create a transient queue", operation::create_transient);
  add("open", operation::open);
  add("close a publisher", operation::close_publisher);
  add("close a subscriber with a message on loan", operation::close_subscriber);
}

}  // namespace single_step
