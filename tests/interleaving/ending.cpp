// What must be true when nobody has anything left to do.
#include "actors.hpp"
#include "properties.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

using detail::state;

/// Whether somebody is frozen between making a message come back and telling so: until then, or
/// until it is killed, the message waits.
bool untold() {
  for (unsigned who = 0; who < plan.processes(); ++who) {
    const process& p = now.processes[who];
    if (p.is == life::frozen && p.next.where == &now.events) {
      return true;
    }
    if (p.is == life::dead && stuck(who)) {
      return true;
    }
  }
  return false;
}

bool held_for_ever(unsigned slot) {
  const word head = word_at(now.record_of[slot] - 1U);
  return (head.owned() && stuck(head.owner())) || (head.is(state::orphan) && untold());
}

/// Whether records of frozen processes leave a publisher no `span` slots in a row.
bool no_room(std::uint32_t span) {
  std::uint32_t run = 0;
  for (unsigned i = 0; i < plan.slots(); ++i) {
    run = now.record_of[i] != 0 && held_for_ever(i) ? 0 : run + 1;
    if (run >= span) {
      return false;
    }
  }
  return true;
}

void check_messages() {
  for (unsigned i = 0; i < plan.slots(); ++i) {
    if (now.record_of[i] != 0 && !held_for_ever(i)) {
      const state s = word_at(now.record_of[i] - 1U).state();
      violate(s == state::ready    ? "a message is never delivered"
              : s == state::orphan ? "a message that came back is never delivered"
                                   : "slots are never set free");
    }
  }
  for (unsigned m = 0; m < most_messages; ++m) {
    const fate is = now.messages[m].is;
    bool there = false;
    for (unsigned i = 0; i < plan.slots(); ++i) {
      there = there || now.message_at[i] == m + 1;
    }
    if (!there && (is == fate::committed || is == fate::taken || is == fate::orphaned)) {
      violate("a message is lost");
    }
  }
}

/// Each announcement is a sleeper's, or on its way as a permit, or stray as documented.
void check_bell(unsigned which) {
  int announced = 0;
  int owed = 0;
  for (unsigned who = 0; who < plan.processes(); ++who) {
    const process& p = now.processes[who];
    if (p.is == life::running) {
      announced += p.announced && plan.publishes(who) == (which == not_full);
      owed += p.owes_post == which + 1;
    }
  }
  const auto& bell = which == not_empty ? now.not_empty : now.not_full;
  if (static_cast<int>(bell.sleepers.peek()) + now.permits[which] + owed !=
      announced + now.stray[which]) {
    violate("announcements and permits of sleepers do not add up");
  }
}

}  // namespace

void check_end() {
  check_bell(not_empty);
  check_bell(not_full);
  bool subscribers_live = false;
  for (unsigned who = 0; who < plan.processes(); ++who) {
    subscribers_live = subscribers_live || (!plan.publishes(who) && runs(who));
  }
  if (!subscribers_live) {
    return;  // nobody is there to deliver to
  }
  for (unsigned who = 0; who < plan.publishers.size(); ++who) {
    const unsigned next = now.next_item[who];
    if (runs(who) && !no_room(plan.publishers[who][next].span())) {
      violate("a publisher waits for room for ever");
    }
  }
  check_messages();
}

}  // namespace millrace::interleaving
