// The properties of words, messages and verdicts.
#include "properties.hpp"

#include <cstring>

namespace millrace::interleaving {
namespace {

using detail::laps_between;
using detail::shape;
using detail::state;

const char* wrong = nullptr;
constexpr std::uint32_t most_laps = 16;

void require(bool holds, const char* otherwise) {
  if (!holds) {
    violate(otherwise);
  }
}

/// Whether the running process may act for `owner`.
bool acts_for(unsigned owner) {
  return owner == running || (owner < plan.processes() && now.processes[owner].is == life::dead &&
                              now.lease_holder[owner] == running + 1);
}

bool running_publishes() {
  return plan.publishes(running);
}

std::uint64_t content(unsigned message, std::uint32_t block) {
  return (message + 1) * 0x0101'0101'0101'0101U + (std::uint64_t{block} << 56);
}

bool in_blocks(std::uint32_t span) {
  return span > 1;
}

/// Whether these are the bytes of message `m`.
bool are_those_of(std::span<const std::byte> bytes, unsigned m) {
  for (std::uint32_t b = 0; (b + 1) * inline_size <= bytes.size(); ++b) {
    std::uint64_t found;
    std::memcpy(&found, bytes.data() + b * inline_size, sizeof found);
    if (found != content(m, b)) {
      return false;
    }
  }
  return true;
}

/// Whether the bytes at slot `i` are those of message `m`.
bool intact(unsigned i, std::uint32_t span, unsigned m) {
  const shape s{now.slots[i].shape.peek()};
  const std::byte* from =
      in_blocks(span) ? now.blocks.data() + (i << block_log2) : now.slots[i].inline_bytes;
  return s.length() == span * inline_size && s.has(shape::in_blocks) == in_blocks(span) &&
         are_those_of({from, s.length()}, m);
}

message_record& message_in(unsigned i) {
  static message_record none;
  if (now.message_at[i] == 0) {
    violate("a record without a message is used as one");
    none = {};
    return none;
  }
  return now.messages[now.message_at[i] - 1U];
}

unsigned publisher_of(unsigned message) {
  unsigned who = 0;
  while (who + 1 < plan.publishers.size() &&
         plan.publishers[who + 1].front().first_message <= message) {
    ++who;
  }
  return who;
}

/// A publisher's earlier messages must not be waiting when this one is taken.
void check_order(unsigned message) {
  for (unsigned m = 0; m < message; ++m) {
    const message_record& earlier = now.messages[m];
    require(!(earlier.is == fate::committed && !earlier.given &&
              publisher_of(m) == publisher_of(message)),
            "a publisher's messages are taken out of order");
  }
}

// ---- records

void cover(unsigned i, word head) {
  const std::uint32_t span = head.span();
  if (span == 0 || i + span > plan.slots()) {
    violate("a record wraps or has no slots");
    return;
  }
  for (std::uint32_t j = i; j < i + span; ++j) {
    require(now.record_of[j] == 0, "a claim overlaps a live record");
    require(j == i || word_at(j) == word::free(head.lap()),
            "a claim covers a word that is not free in its lap");
    now.record_of[j] = static_cast<std::uint8_t>(i + 1);
  }
}

/// Whether somebody may look at the bytes of slots that are not its own.
bool looks_are_free() {
  return plan.copying != 0 || plan.small_first || plan.exclusive_publisher ||
         plan.exclusive_subscriber;
}

void uncover(unsigned i, word was, std::uint32_t lap) {
  for (std::uint32_t j = i; j < i + was.span() && j < plan.slots(); ++j) {
    require(j == i || word_at(j) == word::free(lap), "a head is set free before its inner words");
    now.record_of[j] = 0;
    if (!looks_are_free()) {  // then what was there makes states no different
      now.slots[j].shape.set(0);
      std::memset(now.slots[j].inline_bytes, 0, inline_size);
      std::memset(now.blocks.data() + (j << block_log2), 0, inline_size);
    }
  }
  now.message_at[i] = 0;
}

/// Who finished a message makes no difference any more.
void forget_taker(message_record& m) {
  if (plan.copying == 0) {
    m = {m.is, 0, false, false};
  }
}

/// The running publisher's item is in the ring: all its messages, at `i` and on.
void committed(unsigned i, std::uint32_t span) {
  const unsigned n = now.next_item[running];
  if (!running_publishes() || n >= plan.publishers[running].size()) {
    violate("a message appears that nobody sends");
    return;
  }
  const item& sent = plan.publishers[running][n];
  require(!sent.aborted && sent.span() == span, "a message appears that nobody sends");
  unsigned at = i;
  unsigned m = sent.first_message;
  for (const std::uint32_t its_span : sent.spans) {
    const word w = word_at(at);
    require(w.is(state::ready) && w.span() == its_span, "a batch appears with a part missing");
    require(now.messages[m].is == fate::unsent, "a message is committed twice");
    require(intact(at, its_span, m), "the bytes of a message are wrong when it is committed");
    now.messages[m].is = fate::committed;
    now.message_at[at] = static_cast<std::uint8_t>(m + 1);
    for (std::uint32_t j = at; j < at + its_span; ++j) {
      now.record_of[j] = static_cast<std::uint8_t>(at + 1);
    }
    at += its_span;
    ++m;
  }
  ++now.next_item[running];
}

void begun(unsigned i, word was, word is, bool by_exchange) {
  require(was.is(state::free) && is.lap() == was.lap(), "a free word changes its lap");
  const bool alone = running_publishes() && plan.exclusive_publisher;
  switch (is.state()) {
  case state::claimed:
    require(running_publishes() && is.owner() == running, "a claim in another's name");
    require(by_exchange || alone, "a claim by a store");
    cover(i, is);
    break;
  case state::pad:
    require(running_publishes() && by_exchange, "padding by a store");
    cover(i, is);
    break;
  case state::ready:
    require(alone, "a message appears without a claim");
    cover(i, is);
    committed(i, is.span());
    break;
  default:
    violate("a free word becomes what it cannot");
  }
  const auto laps = laps_between(is.lap(), static_cast<std::uint32_t>(plan.first_lap));
  require(laps >= 0 && static_cast<std::uint32_t>(laps) < most_laps,
          "the ring goes round and round without getting anywhere");
}

void message_taken(unsigned i, bool again) {
  message_record& m = message_in(i);
  require(m.is == (again ? fate::orphaned : fate::committed),
          "a message is taken that is not there to be taken");
  if (!again && now.message_at[i] != 0) {
    check_order(now.message_at[i] - 1U);
  }
  m.is = fate::taken;
  m.taker = static_cast<std::uint8_t>(running);
}

void message_over(unsigned i, unsigned owner) {
  message_record& m = message_in(i);
  require(m.is == fate::taken, "a message is finished that is not taken");
  require(owner == running || plan.once, "a message is lost with its reader");
  m.is = owner == running ? fate::done : fate::dropped;
  forget_taker(m);
}

/// A head goes from one state to another, or the same one lap on.
void went(unsigned i, word was, word is, bool by_exchange) {
  const bool lap_on = is.lap() == was.lap() + 1;
  const bool same_lap = is.lap() == was.lap();
  const bool same_span = is.span() == was.span();
  const auto go = [&](state from, state to) { return was.is(from) && is.is(to); };

  if (was.held() && is.state() == was.state() && lap_on) {
    require(same_span && by_exchange && running_publishes() &&
                (!was.owned() || is.owner() == was.owner()),
            "going around a record changes more than its lap");
  } else if (go(state::claimed, state::ready)) {
    require(by_exchange, "a commit by a store");
    require(same_lap && was.owner() == running, "a commit of another's claim");
    committed(i, was.span());
  } else if (go(state::claimed, state::pad)) {
    require(by_exchange && same_lap && same_span && acts_for(was.owner()),
            "a claim is taken away from its owner");
    if (was.owner() == running) {
      ++now.next_item[running];
    }
  } else if (go(state::claimed, state::revoked)) {
    require(by_exchange && lap_on && same_span && is.owner() == was.owner(),
            "a claim is revoked in a wrong way");
  } else if (go(state::ready, state::taken)) {
    require(by_exchange && lap_on && same_span && is.owner() == running && !running_publishes(),
            "a message is taken in a wrong way");
    message_taken(i, false);
  } else if (go(state::ready, state::free)) {
    const bool copied = plan.copying != 0 && was.span() == 1;
    require(lap_on && !running_publishes() &&
                (plan.exclusive_subscriber || (copied && by_exchange)),
            "a message disappears untaken");
    message_record& m = message_in(i);
    const bool given = m.given && m.taker == running;
    require(m.is == fate::committed && (given || plan.copying != 0),
            "a message is finished that is not there");
    if (!given && now.message_at[i] != 0) {
      check_order(now.message_at[i] - 1U);
    }
    m.is = fate::done;
    m.taker = static_cast<std::uint8_t>(running);
    forget_taker(m);
    uncover(i, was, is.lap());
  } else if (go(state::pad, state::free)) {
    require(by_exchange && lap_on && was.span() == 1, "padding is cleared in a wrong way");
    uncover(i, was, is.lap());
  } else if (go(state::pad, state::clearing)) {
    require(by_exchange && lap_on && same_span && is.owner() == running,
            "padding is cleared in a wrong way");
  } else if (go(state::taken, state::clearing) || go(state::taken, state::free)) {
    require(by_exchange && same_lap && acts_for(was.owner()), "a message is finished by another");
    message_over(i, was.owner());
    if (is.is(state::free)) {
      require(was.span() == 1, "a head is set free before its inner words");
      uncover(i, was, is.lap());
    }
  } else if (go(state::taken, state::orphan)) {
    require(by_exchange && same_lap && same_span && acts_for(was.owner()),
            "a message is taken from its reader");
    require(was.owner() == running || !plan.once, "a message comes back that must not");
    message_in(i).is = fate::orphaned;
  } else if (go(state::orphan, state::taken)) {
    require(by_exchange && same_lap && same_span && is.owner() == running && !running_publishes(),
            "a message that came back is taken in a wrong way");
    message_taken(i, true);
  } else if (go(state::clearing, state::free) || go(state::revoked, state::free)) {
    require(by_exchange && same_lap && acts_for(was.owner()), "slots are set free by another");
    uncover(i, was, is.lap());
  } else {
    violate("a word goes where it cannot");
  }
}

void inner_changed(unsigned head, word was, word is) {
  const word h = word_at(head);
  if (is.is(state::free)) {
    const bool releasing = (h.is(state::clearing) || h.is(state::revoked)) && acts_for(h.owner());
    const bool in_place = h.is(state::ready) && plan.exclusive_subscriber && !running_publishes() &&
                          (plan.copying != 0 || message_in(head).taker == running);
    require(releasing || in_place, "an inner word of another's record is written");
  } else if (is.is(state::ready)) {
    require((h.is(state::claimed) || h.is(state::revoked)) && h.owner() == running &&
                was.is(state::free) && was.lap() == is.lap(),
            "an inner word of another's record is written");
  } else {
    violate("an inner word becomes what it cannot");
  }
}

}  // namespace

const char* violation() {
  return wrong;
}

void violate(const char* what) {
  if (wrong == nullptr) {
    wrong = what;
  }
}

void forget_violation() {
  wrong = nullptr;
}

void word_changed(unsigned i, word was, word is, bool by_exchange) {
  if (i >= plan.slots()) {
    violate("a word beyond the ring is written");
  } else if (now.record_of[i] == 0) {
    begun(i, was, is, by_exchange);
  } else if (now.record_of[i] == i + 1) {
    went(i, was, is, by_exchange);
  } else {
    inner_changed(now.record_of[i] - 1U, was, is);
  }
}

void note_received(const detail::taken_message& taken) {
  const auto i = static_cast<unsigned>(the_ring().index(taken.at));
  message_record& m = message_in(i);
  if (now.message_at[i] == 0) {
    return;
  }
  const unsigned number = now.message_at[i] - 1U;
  if (plan.exclusive_subscriber && m.is == fate::committed) {
    check_order(number);
    m.taker = static_cast<std::uint8_t>(running);
  } else {
    require(m.is == fate::taken && m.taker == running, "a message is given to two");
  }
  require(taken.redelivered || !m.given, "a message given out before does not say so");
  require(!taken.redelivered || m.given || now.struck || m.returned,
          "a message says it was given out before, and was not");
  require(!(plan.once && m.given && !m.returned), "a message is given out more than once");
  require(intact(i, taken.span, number) && taken.size == taken.span * inline_size,
          "the bytes of a message are wrong when it is taken");
  m.given = true;
}

void note_copied(std::span<const std::byte> bytes, bool redelivered) {
  for (unsigned n = 0; n < most_messages; ++n) {
    if (bytes.size() < inline_size || !are_those_of(bytes, n)) {
      continue;
    }
    message_record& m = now.messages[n];
    require(m.is == fate::done && m.taker == running && (redelivered || !m.given),
            "a message is given to two");
    m.given = true;
    return;
  }
  violate("the bytes of a message are wrong when it is copied");
}

void note_finishing(const detail::taken_message& taken) {
  const auto i = static_cast<unsigned>(the_ring().index(taken.at));
  if (message_in(i); now.message_at[i] != 0) {
    require(intact(i, taken.span, now.message_at[i] - 1U),
            "the bytes of a message change while it is read");
  }
}

void note_returned(const detail::taken_message& taken) {
  message_in(static_cast<unsigned>(the_ring().index(taken.at))).returned = true;
}

void note_full() {
  const process& p = now.processes[running];
  if (p.changed) {
    return;
  }
  for (unsigned i = 0; i < plan.slots(); ++i) {
    if (now.record_of[i] != 0) {
      return;
    }
  }
  violate("full, says a publisher of an empty ring");
}

void note_empty() {
  const process& p = now.processes[running];
  if (p.changed) {
    return;
  }
  bool any = false;
  std::uint64_t first = 0;
  bool is_message = false;
  for (unsigned i = 0; i < plan.slots(); ++i) {
    const word w = word_at(i);
    if (now.record_of[i] != i + 1 || w.held() ||
        (w.is(state::ready) && message_in(i).given && plan.exclusive_subscriber)) {
      continue;
    }
    const auto laps = static_cast<std::uint64_t>(
        laps_between(w.lap(), static_cast<std::uint32_t>(plan.first_lap)) + 1);
    const std::uint64_t at = laps * plan.slots() + i;
    if (!any || at < first) {
      any = true;
      first = at;
      is_message = w.is(state::ready);
    }
  }
  require(!is_message, "empty, says a subscriber, and a message is next");
}

void note_loss(unsigned who) {
  const process& p = now.processes[who];
  if (p.announced) {
    ++now.stray[plan.publishes(who) ? 1 : 0];
  }
  if (p.owes_post != 0) {
    --now.stray[p.owes_post - 1U];
  }
}

void write_message(position p, std::uint32_t span, unsigned m) {
  const auto i = static_cast<unsigned>(the_ring().index(p));
  std::byte* const to = in_blocks(span) ? the_ring().block(p) : now.slots[i].inline_bytes;
  for (std::uint32_t b = 0; b < span; ++b) {
    const std::uint64_t bytes = content(m, b);
    std::memcpy(to + b * inline_size, &bytes, sizeof bytes);
  }
  now.slots[i].shape.store(span * inline_size | (in_blocks(span) ? shape::in_blocks : 0),
                           std::memory_order_relaxed);
}

}  // namespace millrace::interleaving
