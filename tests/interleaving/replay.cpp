// A schedule, step by step, with the words that each step leaves.
#include <fmt/format.h>

#include "actors.hpp"
#include "properties.hpp"
#include "search.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

constexpr const char* state_names[] = {"free",  "claimed", "ready",    "pad",
                                       "taken", "orphan",  "clearing", "revoked"};

/// Laps are told from the first one on.
std::string tell(word w) {
  const std::uint32_t lap = w.lap() - static_cast<std::uint32_t>(plan.first_lap);
  if (w.is(detail::state::free)) {
    return fmt::format("free/{}", lap);
  }
  return fmt::format("{}/{}*{}{}", state_names[static_cast<unsigned>(w.state())], lap, w.span(),
                     w.owned() ? fmt::format("(P{})", w.owner()) : "");
}

std::string tell_place(const void* where) {
  for (unsigned i = 0; i < plan.slots(); ++i) {
    if (where == &now.slots[i].word) {
      return fmt::format("word {}", i);
    }
    if (where == &now.slots[i].shape) {
      return fmt::format("shape {}", i);
    }
  }
  return where == &now.where.publish        ? "publishers' hint"
         : where == &now.where.subscribe    ? "subscribers' hint"
         : where == &now.events             ? "events"
         : where == &now.not_empty.sleepers ? "sleeping subscribers"
                                            : "sleeping publishers";
}

bool is_word(const void* where) {
  return tell_place(where).starts_with("word");
}

std::string tell(const process& p, unsigned answer) {
  const intent& i = p.next;
  const auto value = [&](std::uint64_t v) {
    return is_word(i.where) ? tell(word{v}) : fmt::format("{}", v);
  };
  const char* const bell = i.options == not_empty ? "not empty" : "not full";
  switch (i.what) {
  case act::load:
    return fmt::format("reads {}", tell_place(i.where));
  case act::store:
    return fmt::format("stores {} into {}", value(i.to), tell_place(i.where));
  case act::exchange:
    return fmt::format("exchanges {} for {} in {}", value(i.from), value(i.to),
                       tell_place(i.where));
  case act::add:
    return fmt::format("adds {} to {}", i.to, tell_place(i.where));
  case act::rest:
    return answer == go_on ? "begins" : fmt::format("gets the lease of P{}", answer - recover_from);
  case act::choose:
    return fmt::format("chooses {} of {}", answer, i.options);
  case act::post:
    return fmt::format("posts '{}'", bell);
  case act::try_wait:
    return fmt::format("tries to fetch a permit of '{}'", bell);
  case act::sleep:
    return answer == go_on ? fmt::format("wakes by a permit of '{}'", bell) : "wakes by itself";
  case act::get_up:
    return "is up";
  case act::unlock:
    return "ends the recovery";
  case act::leave:
    return "leaves";
  case act::nothing:
    break;
  }
  return "does nothing";
}

std::string tell(const move& m) {
  switch (m.what) {
  case kind::step:
    return fmt::format("P{} {}", m.who, tell(now.processes[m.who], m.answer));
  case kind::kill:
    return fmt::format("P{} is killed before it {}", m.who, tell(now.processes[m.who], 0));
  case kind::freeze:
    return fmt::format("P{} is frozen before it {}", m.who, tell(now.processes[m.who], 0));
  case kind::rebirth:
    return fmt::format("P{} comes back", m.who);
  case kind::hint_fall:
    return "the hints fall back";
  }
  return {};
}

std::string tell_words() {
  std::string text;
  for (unsigned i = 0; i < plan.slots(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : "  ", tell(word_at(i)));
  }
  return text;
}

/// Whether the schedule's step is possible here. (It may be one of another configuration.)
bool possible(const move& m) {
  std::vector<move> moves;
  collect(moves, most_processes, configuration::any);
  for (const move& other : moves) {
    if (other.what == m.what && other.who == m.who && other.answer == m.answer) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> replay(const configuration& c, const std::vector<move>& schedule) {
  begin(c);
  fmt::print("{:60} {}\n", "", tell_words());
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    if (!possible(schedule[i])) {
      return fmt::format("step {} of the schedule, {}, is not possible", i + 1,
                         to_string(schedule[i]));
    }
    const std::string what = tell(schedule[i]);
    make(schedule[i]);
    fmt::print("{:4} {:55} {}\n", i + 1, what, tell_words());
    if (violation() != nullptr) {
      return violation();
    }
  }
  std::vector<move> left;
  collect(left, most_processes, configuration::any);
  if (left.empty()) {
    check_end();
  }
  return violation() != nullptr ? std::optional<std::string>(violation()) : std::nullopt;
}

}  // namespace millrace::interleaving
