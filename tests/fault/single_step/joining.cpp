// Those who are killed or stopped while they make, open, leave or remove a queue.
#include <algorithm>
#include <optional>
#include <string>

#include "fault/single_step/trial.hpp"
#include "os/lease.hpp"
#include "os/mapped_file.hpp"
#include "queue/layout.hpp"
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

/// Two who open a queue while somebody is stopped in the middle of taking it away, and stay.
class newcomers {
 public:
  explicit newcomers(const millrace::queue_options& options)
      : options_(options), publisher_("q", options), subscriber_("q", options) {
    while (subscriber_.try_dequeue()) {  // nothing, or what the queue held before
    }
    meet(publisher_);
  }
  /// Whether their queue is still the one of its name.
  void check() {
    millrace::publisher another("q", options_);
    meet(another);
    meet(publisher_);
  }

 private:
  void meet(millrace::publisher& p) {
    test::expect(p.try_enqueue(contents(victims(greeting))) == status::ok, "a newcomer's message");
    const auto m = subscriber_.try_dequeue();
    test::expect(m && recognised(m->bytes(), m->redelivered()) == arrival{victims(greeting), false},
                 "newcomers do not meet");
  }

  millrace::queue_options options_;
  millrace::publisher publisher_;
  millrace::subscriber subscriber_;
};

/// Whether somebody is stopped while it has one of the locks that others wait for, to be told after
/// some seconds that the queue is busy.
bool is_locked(const arena& place, std::uint32_t which) {
  const auto path = place.directory().path() / "q";
  const auto file = millrace::os::identify(path);
  const auto leases = file ? millrace::os::lease_file::open(path, *file) : nullptr;
  return leases != nullptr && !leases->try_lock(which, millrace::os::lease_file::kind::shared);
}

/// The last participant leaves a queue that goes with it.
class last_trial : public trial {
 public:
  explicit last_trial(fate f) : arena_({.life = lifetime::transient}, f) { arena_.send(2); }

  int victim() override {
    std::optional<millrace::publisher> p(std::in_place, "q", arena_.options());
    test::marker();
    test::marker();
    p.reset();
    test::marker();
    return 0;
  }
  void lead(test::traced& last) override {
    arena_.start_anew();
    last.run_to_marker();
  }

  /// What was in the queue went with it, whenever the last one died.
  int judge_death() override {
    arena_.send(3);
    arena_.receive();
    arena_.drain();
    check_numbered(arena_.received(), arena_.sent());
    arena_.inspect_and_close();
    return 0;
  }
  [[nodiscard]] int whole() const override { return 0; }

  void go_on() override {
    if (!is_locked(arena_, millrace::detail::lease_byte::gate)) {
      new_.emplace(arena_.options());
    }
  }
  void judge_return() override {
    if (new_) {
      new_->check();
      new_.reset();
    }
    test::expect(arena_.directory().entries().empty(), "a file left behind");
    (void)judge_death();
  }

 private:
  arena arena_;
  std::optional<newcomers> new_;
};

/// Removal while others take part.
class removing_trial : public trial {
 public:
  explicit removing_trial(fate f) : arena_({}, f) { arena_.look(); }

  int victim() override {
    test::marker();
    const bool was_there = millrace::remove("q", arena_.directory().path());
    test::marker();
    return was_there ? 0 : 3;
  }

  int judge_death() override {
    {
      millrace::publisher p("q", arena_.options());
      millrace::subscriber s("q", arena_.options());
      test::expect(p.try_enqueue(contents(victims(1))) == status::ok, "a new handle's message");
      const status answer = arena_.publisher().try_enqueue(contents(victims(2)));
      test::expect(answer == status::ok || answer == status::removed, "an old handle's message");
      int both = 0;
      while (const auto m = s.try_dequeue()) {
        ++both;
      }
      // Two queues of one name, and nobody knows?
      test::expect(both == (answer == status::ok ? 2 : 1), "old and new handles do not meet");
    }
    const bool removed = arena_.publisher().try_enqueue(contents(victims(2))) == status::removed;
    test::expect(removed || arena_.subscriber().try_dequeue().has_value(), "an old queue");
    arena_.start_anew();
    arena_.send(3);
    arena_.receive();
    arena_.drain();
    check_numbered(arena_.received(), arena_.sent());
    arena_.inspect_and_close();
    return removed ? 1 : 0;
  }
  [[nodiscard]] int whole() const override { return 1; }
  [[nodiscard]] bool allocates() const override { return true; }

  void go_on() override {
    const status answer = arena_.publisher().try_enqueue(contents(victims(1)));
    const bool got = arena_.subscriber().try_dequeue().has_value();
    test::expect(answer == status::removed || (answer == status::ok && got), "an old queue");
    if (answer == status::removed && !is_locked(arena_, millrace::detail::lease_byte::unlinking)) {
      new_.emplace(arena_.options());
    }
  }
  void judge_return() override {
    if (new_) {
      new_->check();
      new_.reset();
      millrace::remove("q", arena_.directory().path());
    }
    test::expect(arena_.directory().entries().empty(), "a file left behind");
    test::expect(judge_death() == 1, "not removed");
  }

 private:
  arena arena_;
  std::optional<newcomers> new_;
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
  all.push_back({"close the last handle of a transient queue",
                 [](fate f, std::size_t) { return std::make_unique<last_trial>(f); }});
  all.push_back(
      {"remove", [](fate f, std::size_t) { return std::make_unique<removing_trial>(f); }});
}

}  // namespace single_step
