// Publishers and subscribers: the real ring, recovery and doorbell, called in the order in which
// src/queue/publisher.cpp, subscriber.cpp, recovery.cpp and waiting.hpp call them.
//
// Nothing here allocates or keeps anything outside of its stack and `now`, so that copying those
// copies the process.
#include "actors.hpp"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include <millrace/detail/recovering.hpp>

#include "properties.hpp"
#include "world.hpp"

namespace millrace::interleaving {
namespace {

using detail::claim_result;
using detail::commit_result;
using detail::take_result;
using detail::taken_message;

process& self() {
  return now.processes[running];
}

/// Suspends before something that is not an operation on memory; the answer is the schedule's.
unsigned ask(act what, unsigned options = 0) {
  self().next = {what, static_cast<std::uint8_t>(options), {}, nullptr, 0, 0};
  fiber::suspend();
  const unsigned answer = self().answer;
  self().answer = 0;
  return answer;
}

// ---- sleeping and waking

detail::doorbell<explored_atomics>& bell(unsigned which) {
  return which == not_empty ? now.not_empty : now.not_full;
}

void wake(unsigned which, unsigned n) {
  if (!plan.sleeping || !bell(which).anybody()) {
    return;
  }
  for (; n != 0 && bell(which).take_one(); --n) {
    self().owes_post = static_cast<std::uint8_t>(1 + which);
    (void)ask(act::post, which);
    self().owes_post = 0;
    ++now.permits[which];
  }
}
void wake_subscribers(unsigned messages) {
  wake(not_empty, messages);
}
void wake_publishers() {
  wake(not_full, most_processes);
}

void announce(unsigned which) {
  now.asleep[running] = true;
  bell(which).announce();
  self().announced = true;
}

/// Neither asleep nor about to be; a death before this leaves the mark for who recovers.
void is_up() {
  (void)ask(act::get_up);
  now.asleep[running] = false;
}

/// Ends an announcement that nobody answered.
void get_up(unsigned which) {
  if (bell(which).withdraw()) {
    self().announced = false;
  } else {
    (void)ask(act::try_wait, which);
    self().announced = false;
    if (now.permits[which] != 0) {
      --now.permits[which];
    } else {
      ++now.stray[which];  // whoever took the announcement away is yet to post
    }
  }
  is_up();
}

// ---- recovery

void recover(unsigned dead) {
  // Getting the lease and seeing the dead one's flag are one step with what comes next.
  now.lease_holder[dead] = static_cast<std::uint8_t>(running + 1);
  if (std::exchange(now.asleep[dead], false)) {
    const unsigned which = plan.publishes(dead) ? not_full : not_empty;
    if (bell(which).take_one()) {
      --now.stray[which];
    }
  }
  self().recovers = static_cast<std::uint8_t>(dead + 1);
  detail::recover(the_ring(), dead, plan.once);
  self().recovers = 0;
  (void)now.events.fetch_add(1, std::memory_order_seq_cst);
  (void)ask(act::unlock);
  now.dirty[dead] = false;
  now.lease_holder[dead] = 0;
  wake_subscribers(1);
  wake_publishers();
}

/// Asleep until there is a permit, or the slice is over.
void sleep(unsigned which) {
  if (ask(act::sleep, which) == go_on) {
    --now.permits[which];
    self().announced = false;
    is_up();
  } else {
    get_up(which);
  }
}

void rest() {
  for (;;) {
    const unsigned answer = ask(act::rest);
    if (answer == go_on) {
      break;
    }
    recover(answer - recover_from);
  }
}

/// An attempt to do something begins, or begins again.
void begin_attempt() {
  self().parked = false;
  self().changed = false;
  self().begins = true;
}

// ---- publishing

void require(bool holds, const char* otherwise) {
  if (!holds) {
    violate(otherwise);
  }
}

void free_revoked(publishing& side, position p) {
  require(side.release_revoked(p), "a revoked claim cannot be released");
  wake_publishers();
}

/// What try_enqueue tries first. True: sent.
bool put(publishing& side, const item& next) {
  using detail::put_result;
  const put_result r = side.put([&](auto& s) {
    write_message(static_cast<position>(&s - now.slots.data()), 1, next.first_message);
  });
  if (r == put_result::revoked) {
    free_revoked(side, side.revoked_at());
  }
  if (r == put_result::published) {
    wake_subscribers(1);
  }
  return r == put_result::published;
}

/// False: full.
bool send(publishing& side, const item& next) {
  const std::uint32_t span = next.span();
  if (plan.shortcuts && span == 1 && !next.aborted && put(side, next)) {
    return true;
  }
  for (;;) {
    position first = 0;
    const claim_result claimed = side.claim(span, next.batch(), first);
    require(claimed != claim_result::corrupted, "a publisher finds the ring corrupted");
    if (claimed != claim_result::claimed) {
      note_full();
      return false;
    }
    if (next.aborted) {
      const bool traceless = plan.exclusive_publisher && !next.batch();
      const commit_result r = side.abort(first, span, next.batch());
      require(r != commit_result::corrupted, "an abort finds the ring corrupted");
      if (traceless || r == commit_result::revoked) {
        ++now.next_item[running];
      }
      if (r == commit_result::revoked) {
        free_revoked(side, first);
      }
      wake_subscribers(1);
      return true;
    }
    position p = first;
    unsigned m = next.first_message;
    for (const std::uint32_t its_span : next.spans) {
      write_message(p, its_span, m++);
      if (p != first) {
        side.announce(p, its_span);
      }
      p += its_span;
    }
    switch (side.commit(first, span, next.spans.front(), next.batch())) {
    case commit_result::committed:
      wake_subscribers(static_cast<unsigned>(next.spans.size()));
      return true;
    case commit_result::revoked:
      free_revoked(side, first);
      break;
    case commit_result::corrupted:
      violate("a commit finds the ring corrupted");
      break;
    }
  }
}

// ---- subscribing

/// What a subscriber does between its calls.
struct reader {
  static constexpr unsigned most_held = 2;
  static constexpr std::size_t no_limit = ~std::size_t{0};

  subscribing& side;
  /// One that comes back looks for what the one before may have left; at the beginning there is
  /// nothing to be found.
  std::uint64_t seen_events = now.events.peek() == 0 ? 0 : ~std::uint64_t{0};
  unsigned held = 0;
  taken_message holds[most_held] = {};

  [[nodiscard]] static unsigned number() {
    return running - static_cast<unsigned>(plan.publishers.size());
  }
  [[nodiscard]] static bool copies() { return number() < plan.copying; }

  take_result take(std::size_t limit, taken_message& m) {
    const std::span<std::byte> all = buffer_of(running);
    const std::span<std::byte> to = all.first(std::min(limit, all.size()));
    const std::uint64_t events = now.events.load(std::memory_order_acquire);
    if (copies() && plan.shortcuts && events == seen_events) {
      if (side.take_next_copy(to, m.size)) {
        note_copied(all.first(m.size), false);
        return take_result::taken;
      }
    }
    take_result r = take_result::empty;
    if (events != seen_events) {
      self().scans = true;
      r = copies() ? side.take_orphan_copy(events, to, m) : side.take_orphan(events, limit, m);
      self().scans = false;
      if (r == take_result::empty) {
        seen_events = events;
      }
    }
    if (r == take_result::empty) {
      r = copies() ? side.take_copy(to, m) : side.take(limit, m);
    }
    if (copies() && r == take_result::taken) {
      note_copied(all.first(m.size), m.redelivered);
    }
    if (side.freed_slots()) {
      wake_publishers();
    }
    return r;
  }

  take_result next(taken_message& m) {
    for (;;) {
      take_result r = take_result::empty;
      if (plan.small_first && number() == 0) {
        r = take(inline_size, m);
        if (r == take_result::too_large) {
          r = take(no_limit, m);
        }
      } else {
        r = take(no_limit, m);
      }
      require(r != take_result::corrupted, "a subscriber finds the ring corrupted");
      if (r != take_result::in_progress || !go_around()) {
        return r;
      }
    }
  }

  /// A claim is in the way. Its owner may be given time, or not.
  bool go_around() {
    const unsigned owner = side.stalled().claim.owner();
    if (!stuck(owner)) {
      const bool budgeted = runs(owner);
      if ((budgeted && now.revocations == 0) || ask(act::choose, 2) == 0) {
        return false;
      }
      if (budgeted && now.revocations != 0) {
        --now.revocations;
      }
    }
    return side.holds_others_up() && side.revoke();
  }

  /// Goes with messages in its hands, which go back.
  void leave() {
    --now.departures;
    self().gives_back = true;
    for (unsigned i = 0; i < held; ++i) {
      note_returned(holds[i]);
    }
    detail::recover(the_ring(), running, plan.once);
    self().gives_back = false;
    (void)now.events.fetch_add(1, std::memory_order_seq_cst);
    wake_subscribers(1);
    wake_publishers();
    side.leave_hint();
    (void)ask(act::leave);
  }

  void finish(const taken_message& m) {
    note_finishing(m);
    if (now.returns != 0 && ask(act::choose, 2) == 1 && now.returns != 0) {
      --now.returns;
      note_returned(m);
      self().gives_back = true;
      require(side.give_back(m.at), "a message cannot be given back");
      self().gives_back = false;
      (void)now.events.fetch_add(1, std::memory_order_seq_cst);
      wake_subscribers(1);
      return;
    }
    require(side.finish(m.at), "a message cannot be finished");
    wake_publishers();
  }

  void keep(const taken_message& m) {
    note_received(m);
    holds[held++] = m;
    if (held == plan.hold) {
      finish_all();
    }
  }

  /// The latest first, since nothing says that messages are finished in their order.
  void finish_all() {
    if (now.departures != 0 && ask(act::choose, 2) == 1 && now.departures != 0) {
      leave();
    }
    while (held != 0) {
      const taken_message m = holds[--held];
      holds[held] = {};
      finish(m);
    }
  }
};

template <class Side>
Side& make_side(bool alone) {
  void* const place = now.handles[running].bytes.data();
  if constexpr (std::is_same_v<Side, publishing>) {
    return *new (place) publishing(the_ring(), running, alone);
  } else {
    return *new (place) subscribing(the_ring(), running, alone, plan.once);
  }
}

/// One attempt to send the next item. A function of its own, as is attempt_to_take, so that nothing
/// of it is left on the stack of a process at rest: states that are the same should look it.
[[gnu::noinline]] void attempt_to_send(publishing& side, const item& next) {
  begin_attempt();
  if (send(side, next)) {
    return;
  }
  if (!plan.sleeping) {
    self().parked = true;
    return;
  }
  announce(not_full);
  begin_attempt();
  if (send(side, next)) {
    get_up(not_full);
  } else {
    sleep(not_full);
  }
}

[[gnu::noinline]] void attempt_to_take(reader& r) {
  begin_attempt();
  taken_message m{};
  take_result found = r.next(m);
  if (found == take_result::empty && plan.sleeping && r.held == 0) {
    announce(not_empty);
    begin_attempt();
    found = r.next(m);
    if (found != take_result::taken) {
      sleep(not_empty);
      return;
    }
    get_up(not_empty);
  }
  if (found == take_result::taken) {
    if (reader::copies()) {
      wake_publishers();
    } else {
      r.keep(m);
    }
    return;
  }
  if (found == take_result::empty) {
    note_empty();
  }
  if (r.held != 0) {
    r.finish_all();
  } else {
    self().parked = true;
  }
}

}  // namespace

void publish(unsigned who) {
  auto& side = make_side<publishing>(plan.exclusive_publisher);
  const auto& all = plan.publishers[who];
  while (now.next_item[who] < all.size()) {
    rest();
    attempt_to_send(side, all[now.next_item[who]]);
  }
  side.leave_hint();
  (void)ask(act::leave);
}

void subscribe(unsigned) {
  reader r{make_side<subscribing>(plan.exclusive_subscriber)};
  for (;;) {
    rest();
    attempt_to_take(r);
  }
}

}  // namespace millrace::interleaving
