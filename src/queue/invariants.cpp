// What must hold in a queue's memory at any moment.
//
//   (1) A free word is its lap alone. Any other has a span that a claim can have, inside the ring.
//   (2) The inner words of a record are free, in one lap that its state allows, or, where they are
//       being set free, from the first on in a later one; those of a batch that is not committed
//       may also be ready messages of that claim.
//   (3) A word's turn is the lap in which it can be claimed next. Along the ring it drops once at
//       most, by one, at the place that the publishers have come to; inner words do not count.
//   (4) Who owns a record is in the table, has not left, and is of the side that can own it.
//   (5) A message's length fits its slots. Only messages of one slot lie inside it, and only an
//       exclusive subscriber marks them as handed out.
//   (6) The publishers' hint is at most where the publishers have come to, and the subscribers' as
//       well and at most where the oldest message waits that nobody has taken yet.
#include "queue/invariants.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

namespace millrace::detail {

namespace {

using ring_view = ring<native_atomics>;

std::string_view name_of(state s) {
  static constexpr std::string_view names[]{"free",  "claimed", "ready",    "pad",
                                            "taken", "orphan",  "clearing", "revoked"};
  return names[static_cast<std::size_t>(s)];
}

std::string describe(word w) {
  return fmt::format("{} in lap 0x{:08x}, span {}, owner {} (0x{:016x})", name_of(w.state()),
                     w.lap(), w.span(), w.owner(), w.bits);
}

/// (1)
bool sound_alone(const ring_view& ring, position p, word w) {
  return w.is(state::free) ? w == word::free(w.lap()) : ring.sound(p, w);
}

/// (2) `room` is how many slots of the record there are from this inner word on.
bool allowed_inside(word head, word inner, position room, bool exclusive_subscriber) {
  const std::int32_t ahead = laps_between(inner.lap(), head.lap());
  const bool batch = inner.is(state::ready) && inner.span() >= 1 && inner.span() <= room;
  if (inner.is(state::free) && inner != word::free(inner.lap())) {
    return false;
  }
  switch (head.state()) {
  case state::claimed:
  case state::pad:
    return ahead == 0 && (inner.is(state::free) || batch);
  case state::ready:
    // An exclusive subscriber sets the inner words free while the head is ready yet.
    return inner.is(state::free) && (ahead == 0 || (ahead == 1 && exclusive_subscriber));
  case state::clearing:
  case state::revoked:
    return inner.is(state::free) ? ahead <= 0 : batch && ahead < 0;
  default:  // taken, orphan
    return inner.is(state::free) && ahead <= (exclusive_subscriber ? 0 : -1);
  }
}

/// (3)
std::uint32_t turn(word w) {
  return w.is(state::free) || w.held() ? w.lap() : w.lap() + 1;
}

/// Where the publishers have come to, judging by the turns of most of the words: those before
/// `index` have turn `lap` + 1, the others `lap`.
struct front {
  std::uint32_t lap;
  std::size_t index;

  [[nodiscard]] bool fits(std::size_t slot, word w) const {
    return turn(w) == (slot < index ? lap + 1 : lap);
  }
};

front front_of(const snapshot& s, const std::vector<std::size_t>& judged) {
  std::unordered_map<std::uint32_t, std::size_t> count;
  for (const std::size_t slot : judged) {
    ++count[turn(s.words[slot])];
  }
  const auto of = [&](std::uint32_t lap) {
    const auto found = count.find(lap);
    return found == count.end() ? 0 : found->second;
  };
  front best{judged.empty() ? 0 : turn(s.words[judged.front()]), 0};
  for (const auto& [lap, words] : count) {
    const auto pair = words + of(lap + 1);
    const auto best_pair = of(best.lap) + of(best.lap + 1);
    if (pair > best_pair || (pair == best_pair && laps_between(lap, best.lap) > 0)) {
      best.lap = lap;
    }
  }
  // The index that the fewest words contradict.
  auto wrong = static_cast<std::ptrdiff_t>(judged.size() - of(best.lap));
  auto least = wrong;
  for (const std::size_t slot : judged) {
    const std::uint32_t t = turn(s.words[slot]);
    wrong += t == best.lap ? 1 : t == best.lap + 1 ? -1 : 0;
    if (wrong < least) {
      least = wrong;
      best.index = slot + 1;
    }
  }
  return best;
}

/// Slots that no record covers from before, in either reading: what was set free between the two
/// covered those that it held until they changed.
std::vector<bool> uncovered(const ring_view& ring, const snapshot& s) {
  std::vector<bool> result(ring.size());
  position covered = 0;
  for (position p = 0; p < ring.size(); ++p) {
    result[p] = p >= covered;
    for (const word w : {s.before[p], s.words[p]}) {
      if (!w.is(state::free) && ring.sound(p, w)) {
        covered = std::max(covered, p + w.span());
      }
    }
  }
  return result;
}

class checker {
 public:
  checker(const segment& queue, const snapshot& s)
      : queue_(queue), ring_(queue.ring()), s_(s), uncovered_(uncovered(ring_, s)) {}

  std::vector<suspicion> run() {
    for (position p = 0; p < ring_.size(); ++p) {
      const word w = s_.words[p];
      if (!s_.stands(p) || !uncovered_[p]) {
        continue;
      }
      if (!sound_alone(ring_, p, w)) {
        report(fault::word_damaged, p, w.bits, describe(w));
        continue;
      }
      judged_.push_back(p);
      if (!w.is(state::free)) {
        check_inside(p, w);
        check_owner(p, w);
        check_shape(p, w);
      }
    }
    check_laps();
    check_hints();
    return std::move(result_);
  }

 private:
  void report(fault f, position p, std::uint64_t evidence, std::string found) {
    result_.push_back({{f, p, fmt::format("slot {}", p), std::move(found)}, evidence});
  }
  void report_hint(std::string_view which, position hint, std::string_view found) {
    const auto place = fmt::format("the {}' hint", which);
    result_.push_back(
        {{fault::hint_damaged, ring_.index(hint), place,
          fmt::format("slot {} in lap 0x{:08x}: {}", ring_.index(hint), ring_.lap(hint), found)},
         hint});
  }

  void check_inside(position p, word head) {
    const bool alone = queue_.subscribers() == role::exclusive;
    const bool mixed = alone || head.is(state::clearing) || head.is(state::revoked);
    std::optional<word> last;  // that is free
    for (position i = 1; i < head.span(); ++i) {
      const word inner = s_.words[p + i];
      if (!s_.stands(p + i)) {
        continue;
      }
      const std::int32_t step =
          last && inner.is(state::free) ? laps_between(inner.lap(), last->lap()) : 0;
      last = inner.is(state::free) ? inner : last;
      if (!allowed_inside(head, inner, head.span() - i, alone) || step > 0 ||
          (step < 0 && !mixed)) {
        report(fault::record_overrun, p, hash(head.bits, inner.bits),
               fmt::format("{}, which covers slot {}: {}", describe(head), p + i, describe(inner)));
        return;
      }
    }
  }

  void check_owner(position p, word w) {
    if (!w.owned()) {
      return;
    }
    if (w.owner() >= table_size) {
      report(fault::owner_damaged, p, w.bits,
             fmt::format("{}; the table ends at {}", describe(w), table_size - 1));
      return;
    }
    const place& owner = s_.places[w.owner()];
    if (owner.dirty == 0) {
      report(fault::left_behind, p, w.bits, describe(w));
    } else if (!w.is(state::clearing) && w.is(state::taken) == (owner.publishes != 0)) {
      report(fault::owner_damaged, p, w.bits,
             fmt::format("{}; its owner is a {}", describe(w), detail::describe(owner, w.owner())));
    }
  }

  void check_shape(position p, word w) {
    if (!w.is(state::ready) && !w.is(state::taken) && !w.is(state::orphan)) {
      return;
    }
    const shape s = s_.shapes[p];
    constexpr std::uint64_t known = shape::length_mask | shape::in_blocks | shape::handed_out;
    const bool inside = !s.has(shape::in_blocks);
    const bool marked = s.has(shape::handed_out) && queue_.subscribers() == role::shared;
    if (!ring_.sound(w, s) || (inside && w.span() != 1) || (s.bits & ~known) != 0 || marked) {
      report(fault::shape_damaged, p, hash(w.bits, s.bits),
             fmt::format("{} bytes {} {} slots of {} bytes (0x{:016x})", s.length(),
                         inside ? "inside" : "in the blocks of", w.span(), ring_.block_size(),
                         s.bits));
    }
  }

  void check_laps() {
    front_ = front_of(s_, judged_);
    for (const position p : judged_) {
      if (!front_.fits(p, s_.words[p])) {
        report(fault::lap_damaged, p, s_.words[p].bits,
               fmt::format("{}, where the publishers have come to slot {} in lap 0x{:08x}",
                           describe(s_.words[p]), front_.index, front_.lap));
      }
    }
    std::erase_if(judged_, [&](position p) { return !front_.fits(p, s_.words[p]); });
  }

  /// Whether position `q`, in this lap, is before position `p`, in that.
  [[nodiscard]] bool earlier(position p, std::uint32_t lap, position q) const {
    const std::int32_t behind = laps_between(lap, ring_.lap(q));
    return behind < 0 || (behind == 0 && p < ring_.index(q));
  }

  void check_hints() {
    const auto leads_past = [&](position hint) {
      return std::ranges::any_of(judged_, [&](position p) {
        const std::uint32_t lap = ring_.lap(hint);
        return laps_between(turn(s_.words[p]), p < ring_.index(hint) ? lap + 1 : lap) < 0;
      });
    };
    const auto leads_inside = [&](position hint) {
      return std::ranges::any_of(judged_, [&](position p) {
        const word w = s_.words[p];
        const bool this_lap = w.is(state::claimed) || w.is(state::ready) || w.is(state::pad);
        return this_lap && w.lap() == ring_.lap(hint) && p < ring_.index(hint) &&
               ring_.index(hint) < p + w.span();
      });
    };
    const auto leads_past_message = [&](position hint) {
      return std::ranges::any_of(judged_, [&](position p) {
        const word w = s_.words[p];
        return (w.is(state::claimed) || w.is(state::ready)) && earlier(p, w.lap(), hint);
      });
    };
    const auto check = [&](std::string_view which, position hint, bool subscribers) {
      if (leads_past(hint)) {
        report_hint(which, hint, "past where the publishers have come to");
      } else if (leads_inside(hint)) {
        report_hint(which, hint, "into the middle of a record");
      } else if (subscribers && leads_past_message(hint)) {
        report_hint(which, hint, "past a message that waits");
      }
    };
    check("publishers", s_.publish_hint, false);
    check("subscribers", s_.subscribe_hint, true);
  }

  const segment& queue_;
  ring_view ring_;
  const snapshot& s_;
  std::vector<bool> uncovered_;
  std::vector<std::size_t> judged_;
  front front_{};
  std::vector<suspicion> result_;
};

}  // namespace

std::vector<suspicion> suspect_words(const segment& queue, const snapshot& s) {
  return checker(queue, s).run();
}

std::vector<suspicion> suspect_participants(const segment& queue, const snapshot& s) {
  std::vector<suspicion> result;
  const auto report = [&](fault f, std::uint32_t id, std::string found, std::uint64_t evidence) {
    const place& p = s.places[id];
    const std::string where = p.dirty == 1 && p.publishes <= 1
                                  ? describe(p, id)
                                  : fmt::format("place {} of the table", id);
    result.push_back({{f, id, where, std::move(found)}, hash(p.pid, evidence)});
  };
  std::optional<std::uint32_t> alone[2];
  for (std::uint32_t id = 0; id < table_size; ++id) {
    const place& p = s.places[id];
    if (p.dirty > 1 || p.publishes > 1 || p.asleep > 1) {
      report(fault::participant_damaged, id,
             fmt::format("expected 0 or 1, found {} for taking part, {} for publishing, {} for "
                         "sleeping",
                         p.dirty, p.publishes, p.asleep),
             hash(p.dirty, p.publishes));
      continue;
    }
    if (p.counts_back) {
      report(fault::participant_damaged, id, "a count is smaller than when it joined", 0);
    }
    if (p.dead()) {
      report(fault::participant_dead, id,
             fmt::format("it died without leaving; in its hands: {}", hands_of(queue, s, id)), 0);
    }
    if (!p.live()) {
      continue;
    }
    const role allowed = p.publishes != 0 ? queue.publishers() : queue.subscribers();
    auto& first = alone[p.publishes != 0 ? 1 : 0];
    if (allowed == role::exclusive && first) {
      report(fault::role_broken, id,
             fmt::format("there is {} as well", describe(s.places[*first], *first)),
             s.places[*first].pid);
    }
    first = first ? first : id;
  }
  return result;
}

std::vector<std::size_t> records(const segment& queue, const snapshot& s) {
  const auto ring = queue.ring();
  const auto heads = uncovered(ring, s);
  std::vector<std::size_t> result;
  for (position p = 0; p < ring.size(); ++p) {
    if (heads[p] && !s.words[p].is(state::free) && ring.sound(p, s.words[p])) {
      result.push_back(p);
    }
  }
  return result;
}

std::string hands_of(const segment& queue, const snapshot& s, std::uint32_t id) {
  std::size_t writing = 0;
  std::size_t reading = 0;
  std::size_t freeing = 0;
  std::size_t slots = 0;
  for (const std::size_t slot : records(queue, s)) {
    const word w = s.words[slot];
    if (w.owned_by(id)) {
      ++(w.is(state::claimed) ? writing : w.is(state::taken) ? reading : freeing);
      slots += w.span();
    }
  }
  if (slots == 0) {
    return "nothing";
  }
  return fmt::format("{} being written, {} being read, {} being set free, in {} slots", writing,
                     reading, freeing, slots);
}

std::string describe(const place& p, std::uint32_t id) {
  return fmt::format("{} pid {} (place {})", p.publishes != 0 ? "publisher" : "subscriber", p.pid,
                     id);
}

}  // namespace millrace::detail
