// Publishers that are killed or stopped in the middle of it.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "fault/single_step/trial.hpp"
#include "support/child.hpp"

namespace single_step {

using millrace::role;
using millrace::status;

namespace {

enum class operation {
  try_enqueue,
  enqueue,
  commit,  // reserve, write, commit
  abort,   // reserve, write, and think better of it
  batch
};

constexpr std::size_t warming = 7;  // bytes of a message that the victim sent before
constexpr std::array<std::size_t, 3> with_it{48, 300, 2};  // bytes of a batch's other messages

struct plan {
  operation what;
  std::size_t size;
  setting where;
  bool warm;  // the victim's handle has published before
};

/// What the victim publishes, made before it begins.
struct cargo {
  explicit cargo(const plan& how) : parts{contents(victims(how.size))} {
    if (how.what == operation::batch) {
      for (const std::size_t size : with_it) {
        parts.push_back(contents(victims(size)));
      }
    }
    views.assign(parts.begin(), parts.end());
  }

  std::vector<test::bytes> parts;
  std::vector<std::span<const std::byte>> views;
};

status publish(millrace::publisher& p, operation what, const cargo& all) {
  const test::bytes& first = all.parts.front();
  switch (what) {
  case operation::try_enqueue:
    return p.try_enqueue(first);
  case operation::enqueue:
    return p.enqueue(first);
  case operation::batch:
    return p.try_enqueue_batch(all.views);
  case operation::commit:
  case operation::abort:
    break;
  }
  auto room = p.try_reserve(first.size());
  if (!room) {
    return p.last_status();
  }
  std::ranges::copy(first, room->bytes().begin());
  return what == operation::commit ? room->commit() : status::ok;
}

class publishing_trial : public trial {
 public:
  publishing_trial(const plan& how, fate f) : how_(how), arena_(how.where, f) {
    arena_.send(2);
    arena_.lend_publishing();
  }

  int victim() override {
    millrace::publisher p("q", arena_.options());
    if (how_.warm) {
      test::expect(p.try_enqueue(contents(victims(warming))) == status::ok);
    }
    const cargo all(how_);
    test::marker();
    const status answer = publish(p, how_.what, all);
    test::marker();
    return answer == status::ok ? 0 : 3;
  }

  int judge_death() override {
    arena_.send(3);
    arena_.receive();
    arena_.drain();
    const int there = check();
    arena_.inspect_and_close();
    return there;
  }
  [[nodiscard]] int whole() const override { return how_.what == operation::abort ? 0 : 1; }

  void go_on() override {
    if (how_.where.publishers == role::shared) {
      arena_.exchange();
    } else {
      arena_.look();  // nobody else may publish
    }
  }
  void judge_return() override {
    arena_.send(1);
    arena_.receive();
    arena_.drain();
    test::expect(check() == whole(), "the message of one who was stopped");
    arena_.inspect_and_close();
  }

 private:
  /// Whether the victim's message is there.
  int check() const {
    const auto& all = arena_.received();
    check_numbered(all, arena_.sent());
    std::vector<name> own;
    if (how_.warm) {
      own.push_back(victims(warming));
    }
    const int there = count_of(all, victims(how_.size));
    if (there != 0) {
      own.push_back(victims(how_.size));
      if (how_.what == operation::batch) {
        for (const std::size_t size : with_it) {
          own.push_back(victims(size));
        }
      }
    }
    std::vector<name> found;
    for (const arrival& a : all) {
      test::expect(!a.redelivered, "marked as redelivered");
      if (a.message < 0) {
        found.push_back(a.message);
      }
    }
    test::expect(found == own, "the victim's messages: not once each, whole and in order");
    return there != 0 ? 1 : 0;
  }

  plan how_;
  arena arena_;
};

}  // namespace

void add_publishing(std::vector<named_trial>& all) {
  const auto add = [&](const std::string& title, const plan& how) {
    all.push_back(
        {title, [how](fate f, std::size_t) { return std::make_unique<publishing_trial>(how, f); }});
  };
  struct kind {
    const char* name;
    operation what;
  };
  const std::array kinds{kind{"try_enqueue", operation::try_enqueue},
                         kind{"enqueue", operation::enqueue}, kind{"commit", operation::commit},
                         kind{"abort", operation::abort}, kind{"batch", operation::batch}};
  for (const role r : {role::shared, role::exclusive}) {
    const std::string roles = r == role::shared ? ", shared" : ", exclusive publisher";
    for (const kind& k : kinds) {
      for (const std::size_t size : {0, 1, 48, 49, 113, 4096}) {
        const std::string what = std::string(k.name) + " of " + std::to_string(size) + " bytes";
        const setting middle{.publishers = r};
        add(what + roles, {k.what, size, middle, false});
        add(what + roles + ", after another", {k.what, size, middle, true});
      }
      // Sent behind what fills slots 57 to 59, and the ring has 64. After sixteen laps the numbers
      // of laps start anew.
      for (const std::size_t begin : {std::size_t{57}, 15 * arena::slots + 57}) {
        setting end{.publishers = r};
        end.begin = begin;
        const std::string where = begin == 57 ? " at the ring's end" : " at the last lap's end";
        add(std::string(k.name) + " of 4096 bytes" + where + roles, {k.what, 4096, end, false});
        end.begin += 2;  // for the last slot, behind the victim's own first message
        add(std::string(k.name) + " of 49 bytes" + where + roles, {k.what, 49, end, true});
      }
    }
  }
}

}  // namespace single_step
