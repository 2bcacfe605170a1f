// Which steps are possible, making them, and their names: P0 (a step of process 0), P0:2 (with
// option 2), K0 (kill), F0 (freeze), B0 (it comes back), H (the hints fall back).
#include "moves.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors.hpp"
#include "properties.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

bool changes_something(const process& p) {
  switch (p.next.what) {
  case act::store:
    return true;
  case act::exchange:
    return plan.sleeping ||  // the doorbell's cells are narrower than a word
           static_cast<const cell<std::uint64_t>*>(p.next.where)->peek() == p.next.from;
  case act::add:
  case act::post:
  case act::sleep:
  case act::get_up:
  case act::unlock:
  case act::leave:
    return true;
  default:
    return false;
  }
}

/// It has found nothing to do, or is gone: others go next at no price.
bool yields(const process& p) {
  return p.is != life::running || (p.next.what == act::rest && p.parked) ||
         p.next.what == act::sleep || p.next.what == act::leave;
}

/// A hint may lag, since whoever should have left it may have died; not before the beginning.
std::uint64_t one_lap_back(const cell<std::uint64_t>& hint) {
  const std::uint64_t first = plan.first_lap << plan.slots_log2;
  return hint.peek() - std::min<std::uint64_t>(hint.peek() - first, plan.slots());
}

bool comes_back(unsigned who) {
  const life is = now.processes[who].is;
  return (is == life::left && !plan.publishes(who)) ||
         (is == life::dead && !now.dirty[who] && now.lease_holder[who] == 0);
}

class collector {
 public:
  collector(std::vector<move>& into, unsigned last, int preemptions)
      : into_(into), last_(last), preemptions_(preemptions) {}

  void steps_of(unsigned who) {
    const process& p = now.processes[who];
    switch (p.next.what) {
    case act::rest:
      if (!p.parked || p.changed) {
        step(who, go_on);
      }
      recoveries(who);
      break;
    case act::sleep:
      if (now.permits[p.next.options] != 0) {
        step(who, go_on);
      }
      // A slice that ends in vain is of interest, and has an end, only when something has changed.
      // Unlimited where somebody was lost who should have posted, or a claim is in the way.
      if (anybody_to_recover() ||
          (p.changed && (now.slices != 0 || now.struck || claim_in_the_way()))) {
        step(who, slice_over);
      }
      break;
    case act::choose:
      for (unsigned answer = 0; answer < p.next.options; ++answer) {
        step(who, answer);
      }
      break;
    default:
      step(who, 0);
    }
  }

  void faults_of(unsigned who) {
    const process& p = now.processes[who];
    if (!changes_something(p)) {
      return;
    }
    if (now.kills != 0) {
      into_.push_back({kind::kill, id(who), 0, false});
    }
    if (now.freezes != 0) {
      into_.push_back({kind::freeze, id(who), 0, false});
    }
  }

 private:
  static std::uint8_t id(unsigned who) { return static_cast<std::uint8_t>(who); }

  void step(unsigned who, unsigned answer) {
    const bool preempts = last_ != who && last_ < plan.processes() && !yields(now.processes[last_]);
    if (!preempts || preemptions_ != 0) {
      into_.push_back({kind::step, id(who), static_cast<std::uint8_t>(answer), preempts});
    }
  }

  static bool to_recover(unsigned d) {
    return now.processes[d].is == life::dead && now.dirty[d] && now.lease_holder[d] == 0;
  }
  static bool anybody_to_recover() {
    return to_recover(0) || to_recover(1) || to_recover(2) || to_recover(3);
  }
  void recoveries(unsigned who) {
    for (unsigned d = 0; d < plan.processes(); ++d) {
      if (to_recover(d)) {
        step(who, recover_from + d);
      }
    }
  }

  static bool claim_in_the_way() {
    for (unsigned i = 0; i < plan.slots(); ++i) {
      if (word_at(i).is(detail::state::claimed)) {
        return true;
      }
    }
    return false;
  }

  std::vector<move>& into_;
  unsigned last_;
  int preemptions_;
};

}  // namespace

void collect(std::vector<move>& into, unsigned last, int preemptions) {
  collector c(into, last, preemptions);
  // Whoever made the last step goes first, so that depth first means as few switches as possible.
  if (last < plan.processes() && runs(last)) {
    c.steps_of(last);
  }
  for (unsigned who = 0; who < plan.processes(); ++who) {
    if (who != last && runs(who)) {
      c.steps_of(who);
    }
  }
  for (unsigned who = 0; who < plan.processes(); ++who) {
    const auto id = static_cast<std::uint8_t>(who);
    if (runs(who)) {
      c.faults_of(who);
    } else if (plan.reborn && comes_back(who)) {
      into.push_back({kind::rebirth, id, 0, false});
    }
  }
  if (now.hint_falls != 0 && (one_lap_back(now.where.publish) != now.where.publish.peek() ||
                              one_lap_back(now.where.subscribe) != now.where.subscribe.peek())) {
    into.push_back({kind::hint_fall, 0, 0, false});
  }
}

void make(const move& m) {
  switch (m.what) {
  case kind::step: {
    const process& p = now.processes[m.who];
    if (p.next.what == act::sleep && m.answer == slice_over && !now.struck && now.slices != 0) {
      --now.slices;
    }
    step(m.who, m.answer);
    break;
  }
  case kind::kill:
    --now.kills;
    kill(m.who);
    break;
  case kind::freeze:
    --now.freezes;
    note_loss(m.who);
    now.processes[m.who].is = life::frozen;
    now.struck = true;
    everybody_may_look();
    break;
  case kind::rebirth:
    start(m.who);
    break;
  case kind::hint_fall:
    --now.hint_falls;
    now.where.publish.set(one_lap_back(now.where.publish));
    now.where.subscribe.set(one_lap_back(now.where.subscribe));
    break;
  }
}

std::string to_string(const move& m) {
  switch (m.what) {
  case kind::step:
    return m.answer == 0 ? fmt::format("P{}", m.who) : fmt::format("P{}:{}", m.who, m.answer);
  case kind::kill:
    return fmt::format("K{}", m.who);
  case kind::freeze:
    return fmt::format("F{}", m.who);
  case kind::rebirth:
    return fmt::format("B{}", m.who);
  case kind::hint_fall:
    return "H";
  }
  return {};
}

std::string to_string(const std::vector<move>& schedule) {
  std::string text;
  for (const move& m : schedule) {
    text += (text.empty() ? "" : ".") + to_string(m);
  }
  return text;
}

std::optional<std::vector<move>> parse(std::string_view text) {
  std::vector<move> schedule;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('.'));
    text.remove_prefix(one.size() < text.size() ? one.size() + 1 : one.size());
    constexpr std::string_view letters = "PKFBH";
    const auto what = one.empty() ? std::string_view::npos : letters.find(one[0]);
    if (what == std::string_view::npos) {
      return std::nullopt;
    }
    move m{static_cast<kind>(what), 0, 0, false};
    if (m.what != kind::hint_fall) {
      if (one.size() < 2 || one[1] < '0' || one[1] > '3') {
        return std::nullopt;
      }
      m.who = static_cast<std::uint8_t>(one[1] - '0');
      if (one.size() == 4 && one[2] == ':' && one[3] >= '0' && one[3] <= '9') {
        m.answer = static_cast<std::uint8_t>(one[3] - '0');
      } else if (one.size() != 2) {
        return std::nullopt;
      }
    }
    schedule.push_back(m);
  }
  return schedule;
}

}  // namespace millrace::interleaving
