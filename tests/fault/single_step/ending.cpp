// Those who are killed or stopped while a queue ends: as its last participant, by its removal, or
// because they come too late.
#include <optional>

#include "fault/single_step/trial.hpp"
#include "os/lease.hpp"
#include "os/mapped_file.hpp"
#include "queue/layout.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::lifetime;
using millrace::status;

namespace {

constexpr std::size_t greeting = 48;  // bytes of a newcomer's message

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
  /// What one of them, or somebody else, has sent.
  void receive() {
    const auto m = subscriber_.try_dequeue();
    test::expect(m && recognised(m->bytes(), m->redelivered()) == arrival{victims(greeting), false},
                 "newcomers do not meet");
  }

 private:
  void meet(millrace::publisher& p) {
    test::expect(p.try_enqueue(contents(victims(greeting))) == status::ok, "a newcomer's message");
    receive();
  }

  millrace::queue_options options_;
  millrace::publisher publisher_;
  millrace::subscriber subscriber_;
};

/// Those who come while somebody is stopped in the middle of taking the queue away. Nothing if it
/// has the one lock that others wait for who want the name, to be told after some seconds that the
/// queue is busy.
std::optional<newcomers> come_to(const arena& place) {
  const auto path = place.directory().path() / "q";
  const auto file = millrace::os::identify(path);
  const auto leases = file ? millrace::os::lease_file::open(path, *file) : nullptr;
  if (leases == nullptr || !leases->held_by_others(millrace::detail::lease_byte::unlinking, 1)) {
    return std::optional<newcomers>(std::in_place, place.options());
  }
  // Who wants no queue but the one that goes need not wait.
  auto options = place.options();
  options.open = millrace::opening::open_only;
  try {
    const millrace::publisher p("q", options);
    test::expect(false, "joined a queue that is marked as removed");
  } catch (const millrace::error& answer) {
    test::expect(answer.code() == millrace::errc::not_found, answer.what());
  }
  return std::nullopt;
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

  void go_on() override { new_ = come_to(arena_); }
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
    if (answer == status::removed) {
      new_ = come_to(arena_);
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

/// Somebody opens a transient queue, and meanwhile all others leave it.
class late_trial : public trial {
 public:
  explicit late_trial(fate f) : arena_({.life = lifetime::transient}, f) { arena_.send(2); }

  int victim() override {
    std::optional<millrace::publisher> p;
    test::marker();
    p.emplace("q", arena_.options());
    test::marker();
    test::expect(p->try_enqueue(contents(victims(greeting))) == status::ok, "a late one's message");
    return 0;
  }

  int judge_death() override {
    arena_.start_anew();
    test::expect(arena_.directory().entries().empty(), "a file left behind");
    arena_.inspect_and_close();
    return 0;
  }
  [[nodiscard]] int whole() const override { return 0; }

  void go_on() override {
    arena_.start_anew();
    new_ = come_to(arena_);
  }
  void judge_return() override {
    test::expect(new_.has_value(), "who only opens keeps others from the name");
    new_->receive();
    new_->check();
    new_.reset();
    (void)judge_death();
  }

 private:
  arena arena_;
  std::optional<newcomers> new_;
};

}  // namespace

void add_ending(std::vector<named_trial>& all) {
  all.push_back({"close the last handle of a transient queue",
                 [](fate f, std::size_t) { return std::make_unique<last_trial>(f); }});
  all.push_back(
      {"remove", [](fate f, std::size_t) { return std::make_unique<removing_trial>(f); }});
  all.push_back({"open a transient queue that all others leave",
                 [](fate f, std::size_t) { return std::make_unique<late_trial>(f); }});
}

}  // namespace single_step
