// What the instrumented atomics call: which operations are steps of a schedule, and what becomes of
// a changed value.
#include <algorithm>
#include <utility>

#include "atomics.hpp"
#include "properties.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

constexpr std::uint8_t just_paused = 0x80;

/// The slot that a cell belongs to, or most_slots.
unsigned slot_of(const void* where) {
  const auto offset =
      static_cast<const std::byte*>(where) - reinterpret_cast<const std::byte*>(now.slots.data());
  return offset >= 0 && offset < static_cast<std::ptrdiff_t>(sizeof now.slots)
             ? static_cast<unsigned>(offset) / sizeof now.slots[0]
             : most_slots;
}

/// A shape belongs to whoever owns the record, which the properties of the words ensure, so that
/// its reading and writing commutes with whatever the others do. Not where a subscriber looks at it
/// before taking, and not where it is the mark that a kill leaves behind.
bool is_step(const void* where) {
  const unsigned i = slot_of(where);
  return i == most_slots || where == &now.slots[i].word || plan.small_first || plan.copying != 0 ||
         plan.exclusive_subscriber;
}

/// Whether any message can be, or become, one that came back.
bool orphans_possible() {
  if (now.kills != 0 || now.returns != 0 || now.departures != 0) {
    return true;
  }
  for (unsigned who = 0; who < plan.processes(); ++who) {
    const process& p = now.processes[who];
    if ((p.is == life::dead && now.dirty[who]) || p.gives_back) {
      return true;
    }
  }
  return std::any_of(now.messages.begin(), now.messages.end(),
                     [](const message_record& m) { return m.is == fate::orphaned; });
}

/// A read whose outcome no step of anybody else can change, now or later.
bool is_settled(const process& p, const void* where) {
  const unsigned i = slot_of(where);
  if (i >= plan.slots() || where != &now.slots[i].word) {
    return false;
  }
  const word w = word_at(i);
  // Nobody but its owner enters a state in an owner's name, and this one is dead.
  const bool not_the_dead_ones = p.recovers != 0 && !w.owned_by(p.recovers - 1U);
  // Looking for what came back, where nothing can.
  const bool no_orphan = p.scans && !orphans_possible();
  return not_the_dead_ones || no_orphan;
}

}  // namespace

void about_to(act what, const void* where, std::uint64_t from, std::uint64_t to) {
  process& p = now.processes[running];
  const bool after_pause = (p.pauses & just_paused) != 0;
  p.pauses = static_cast<std::uint8_t>(p.pauses & ~just_paused);
  if (what == act::load && after_pause && p.pauses > 2) {
    // The third and later turns of a bounded wait look again at what the second saw, and whatever
    // happens between two of them might as well happen between the first two.
    return;
  }
  if (!after_pause) {
    p.pauses = 0;
  }
  if (!is_step(where) || (what == act::load && is_settled(p, where)) ||
      (std::exchange(p.begins, false) && what == act::load)) {
    return;
  }
  p.next = {what, 0, {}, where, from, to};
  fiber::suspend();
}

void waits_a_moment() {
  process& p = now.processes[running];
  const unsigned turns = p.pauses & ~just_paused;
  p.pauses = static_cast<std::uint8_t>((turns < 3 ? turns + 1 : turns) | just_paused);
}

void has_changed(const void* where, std::uint64_t was, std::uint64_t is, bool by_exchange) {
  const unsigned i = slot_of(where);
  if (i != most_slots && where == &now.slots[i].word) {
    word_changed(i, {was}, {is}, by_exchange);
  }
  const bool of_the_ring = i != most_slots || where == &now.events || where == &now.where.publish ||
                           where == &now.where.subscribe;
  if (of_the_ring && was != is) {
    everybody_may_look();
  }
}

}  // namespace millrace::interleaving
