// The publishers' side of the ring: walk, claim, commit, abort.
//
// What a publisher at position p (lap M) does, by the word there:
//   (1) free, lap M                       claim, if the words after it are free(M) as far as needed
//   (2) claimed, ready or pad, lap M      step over the span: another publisher was here
//   (3) held, lap M                       the reader of lap M-1 still has it: go around, or full
//   (4) held, lap beyond M                step over the span
//   (5) anything else, lap beyond M       step one slot: others are ahead
//   (6) pad, lap M-1                      clear it: with no subscriber about nobody else would
//   (7) anything else, lap before M       full; more than one lap before, a hint that was no hint
#pragma once

#include <millrace/detail/ring.hpp>

namespace millrace::detail {

enum class claim_result {
  claimed,
  full,
  corrupted
};
enum class commit_result {
  committed,
  revoked,
  corrupted
};

enum class put_result {
  published,
  not_now,
  revoked  // the claim was lost before the commit; it is to be released, and nothing is published
};

template <class A>
class publishing {
 public:
  /// `exclusive`: no other publisher can be open, so claiming needs no announcement.
  publishing(const ring<A>& r, std::uint32_t id, bool exclusive) noexcept
      : ring_(r), id_(id), exclusive_(exclusive),
        next_(r.where().publish.load(std::memory_order_relaxed)) {}

  /// Publishes a message of one slot if the next slot is free: claim, `write(slot)` and commit in
  /// one, for what they mostly come to. Never between a claim and its end.
  template <class Write>
  [[nodiscard]] put_result put(Write write) noexcept {
    const position here = next_;
    slot<A>& s = ring_.at(here);
    const std::uint64_t free = free_;
    if (here >= straight_until_ || s.word.load(std::memory_order_acquire) != free) [[unlikely]] {
      return put_result::not_now;  // anything else, and leaving a hint now and then, is claim's
    }
    if (exclusive_) [[likely]] {
      write(s);
      s.word.store(free | ready_alone_, std::memory_order_release);  // SYNC (a)
      next_ = here + 1;
      A::prefetch_to_read(&s + 1);  // what the next call looks at first; measured in round trips
      return put_result::published;
    }
    // The second line comes while the exchange waits for the first; measured in round trips.
    A::prefetch_to_write(&s.inline_bytes[slot<A>::second_line]);
    std::uint64_t expected = free;
    if (!s.word.compare_exchange_strong(expected, free | claimed_alone_,  // SYNC (b)
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return put_result::not_now;
    }
    next_ = here + 1;
    write(s);
    expected = free | claimed_alone_;
    if (!s.word.compare_exchange_strong(expected, free | ready_alone_,  // SYNC (a)
                                        std::memory_order_seq_cst, std::memory_order_acquire)) {
      return put_result::revoked;
    }
    return put_result::published;
  }

  /// Where the claim was that `put` found revoked.
  [[nodiscard]] position revoked_at() const noexcept { return next_ - 1; }

  /// Claims `span` slots in a row; `p` is then their first. An exclusive publisher's claim is
  /// nothing but a choice of place that leaves no trace, unless it is for a batch.
  [[nodiscard]] claim_result claim(std::uint32_t span, bool batch, position& p) noexcept {
    outlook way;
    // A correct ring gives a verdict within a lap or so; the bound is for one that makes no sense.
    for (position steps = 4 * ring_.size(); steps != 0; --steps) {
      if (next_ >= hint_due_) {
        leave_hint();  // on the way too: padding may take it far
      }
      const word seen = ring_.load(next_);
      const std::uint32_t lap = ring_.lap(next_);
      if (seen == word::free(lap)) {  // (1)
        switch (try_claim(seen, span, batch, way)) {
        case attempt::claimed:
          p = next_;
          straight_until_ = 0;
          if (!exclusive_) {
            next_ += span;
          }
          return claim_result::claimed;
        case attempt::full:
          return claim_result::full;
        case attempt::corrupted:
          return claim_result::corrupted;
        case attempt::again:
          continue;
        }
      }
      const std::int32_t ahead = laps_between(seen.lap(), lap);
      if (ahead < 0) {
        if (ahead == -1 && seen.is(state::pad)) {  // (6)
          if (!ring_.sound(next_, seen)) {
            return claim_result::corrupted;
          }
          (void)ring_.clear_pad(next_, seen, id_);
        } else if (!catch_up()) {  // (7)
          return ahead == -1 ? claim_result::full : claim_result::corrupted;
        }
        continue;
      }
      if (ahead > 0 && !seen.held()) {  // (5)
        if (ahead == 1 || !catch_up()) {
          ++next_;
        }
        continue;
      }
      if (!ring_.sound(next_, seen)) {
        return claim_result::corrupted;
      }
      if (ahead == 0 && seen.held()) {  // (3)
        if (!go_around(seen, span, way) && !catch_up()) {
          return claim_result::full;
        }
        continue;
      }
      next_ += seen.span();  // (2), (4)
    }
    return claim_result::full;
  }

  /// Makes a claimed record a message. `first_span` is the record's span, or, for a batch whose
  /// inner messages were announced, that of its first message. SYNC (a); sequentially consistent
  /// as well, because the look at the sleepers that follows must not overtake it (doorbell.hpp).
  [[nodiscard]] commit_result commit(position p, std::uint32_t span, std::uint32_t first_span,
                                     bool batch) noexcept {
    const word ready = word::make(ring_.lap(p), state::ready, id_, first_span);
    if (exclusive_ && !batch) {
      ring_.store(p, ready);
    } else if (word expected = claimed(p, span); !ring_.exchange_last(p, expected, ready)) {
      return lost(p, expected);
    }
    go_on_straight(p + span);
    return commit_result::committed;
  }

  /// Gives a claim up: it becomes padding.
  [[nodiscard]] commit_result abort(position p, std::uint32_t span, bool batch) noexcept {
    if (exclusive_ && !batch) {
      return commit_result::committed;
    }
    word expected = claimed(p, span);
    if (ring_.exchange_last(p, expected, expected.with(state::pad))) {
      return commit_result::committed;
    }
    return lost(p, expected);
  }

  /// Announces an inner message of a batch that is claimed but not committed. A release, since a
  /// walker may come upon it by a hint without having read the batch's head.
  void announce(position p, std::uint32_t span) noexcept {
    ring_.store(p, word::make(ring_.lap(p), state::ready, id_, span));
  }

  /// Frees a claim that was revoked. Always before claiming anew: keeping the old span while
  /// looking for a new one could keep this publisher from ever finding it.
  [[nodiscard]] bool release_revoked(position p) noexcept { return ring_.release(p, id_); }

  void leave_hint() noexcept {
    ring<A>::advance(ring_.where().publish, next_);
    hint_due_ = next_ + ring_.hint_interval();
  }

  [[nodiscard]] const ring<A>& slots() const noexcept { return ring_; }

 private:
  enum class attempt {
    claimed,
    full,
    corrupted,
    again
  };

  /// What a claim has found out about its way, so as not to look at the whole ring at every step.
  struct outlook {
    position fits_until = 0;  // it was found to fit within the lap before this
    position free_at = 0;     // a word that was free, with nothing but held records before it
  };

  [[nodiscard]] word claimed(position p, std::uint32_t span) const noexcept {
    return word::make(ring_.lap(p), state::claimed, id_, span);
  }

  /// The head at next_ was seen free in this lap. Looks at the words after it, then claims.
  attempt try_claim(word head, std::uint32_t span, bool batch, outlook& way) noexcept {
    const position room = ring_.size() - ring_.index(next_);
    const auto scan = static_cast<std::uint32_t>(span < room ? span : room);
    if (scan < span && !fits(span, way)) {
      return attempt::full;
    }
    for (std::uint32_t i = 1; i < scan; ++i) {
      const word inner = ring_.load(next_ + i);
      if (inner == head) {
        continue;
      }
      const std::int32_t ahead = laps_between(inner.lap(), head.lap());
      if (ahead == 0 && inner.held()) {
        if (clears_at_once(next_ + i, inner)) {
          return attempt::again;
        }
        return fits(span, way) ? pad(head, i) : attempt::full;
      }
      if (ahead < 0) {
        if (ahead == -1 && inner.is(state::pad) && ring_.sound(next_ + i, inner)) {
          if (!ring_.clear_pad(next_ + i, inner, id_)) {
            return attempt::again;
          }
          continue;  // free in this lap now, as the others
        }
        return catch_up() ? attempt::again : attempt::full;
      }
      // Somebody was here in this lap, so the head is not free any more; or nothing makes sense.
      const bool moved = ring_.load(next_) != head || ring_.load(next_ + i) != inner;
      return moved ? attempt::again : attempt::corrupted;
    }
    if (scan < span) {
      return pad(head, scan);  // a record never wraps
    }
    if (exclusive_) {
      if (batch) {
        ring_.store(next_, claimed(next_, span));
      }
      return attempt::claimed;
    }
    return ring_.exchange(next_, head, claimed(next_, span)) ? attempt::claimed  // SYNC (b)
                                                             : attempt::again;
  }

  /// Makes the next `span` slots, too few for the message at hand, padding.
  attempt pad(word head, std::uint32_t span) noexcept {
    if (ring_.exchange(next_, head, word::make(head.lap(), state::pad, id_, span))) {
      next_ += span;
    }
    return attempt::again;
  }

  /// Steps over a record that a reader of the last lap still holds, by moving its lap on so that
  /// everyone steps over it in this lap. Only if that leads anywhere. False: full.
  bool go_around(word held, std::uint32_t span, outlook& way) noexcept {
    if (clears_at_once(next_, held)) {
      return true;
    }
    if (!free_beyond(held, way) || !fits(span, way)) {
      return false;
    }
    const position held_span = held.span();
    if (ring_.exchange(next_, held, held.with_next_lap())) {  // SYNC (e)
      next_ += held_span;
    }
    return true;
  }

  /// Waits for a held record that is being set free: for a moment, which is all that takes unless
  /// its owner was cut off just there. False: it is not, or stays.
  [[nodiscard]] bool clears_at_once(position p, word held) const noexcept {
    for (int i = 0; held.is(state::clearing) && i < 64; ++i) {
      A::pause();
      if (ring_.load(p) != held) {
        return true;
      }
    }
    return false;
  }

  /// Whether the first word after the held record at next_, and those held behind it, is free.
  [[nodiscard]] bool free_beyond(word held, outlook& way) const noexcept {
    if (next_ < way.free_at) {
      return true;
    }
    for (position q = next_ + held.span(); q < next_ + ring_.size();) {
      const word w = ring_.load(q);
      if (w.lap() != ring_.lap(q)) {
        return false;
      }
      if (w.is(state::free)) {
        way.free_at = q;
        return true;
      }
      if (!w.held() || !ring_.sound(q, w)) {
        return false;
      }
      q += w.span();
    }
    return false;
  }

  /// Whether anywhere in the ring `span` slots in a row are not held, so that waiting for them
  /// makes sense. Without asking this before padding or going around, a publisher could pad for
  /// ever. A guess, as the words move under it, and asked again after a lap.
  [[nodiscard]] bool fits(std::uint32_t span, outlook& way) const noexcept {
    if (next_ < way.fits_until) {
      return true;
    }
    position run = 0;
    for (position i = 0; i < ring_.size();) {
      const word w = ring_.load(i);
      const position step = w.is(state::free) || !ring_.sound(i, w) ? 1 : w.span();
      run = w.held() ? 0 : run + step;
      if (run >= span) {
        way.fits_until = next_ + ring_.size();
        return true;
      }
      i += step;
    }
    return false;
  }

  bool catch_up() noexcept {
    const position hint = ring_.where().publish.load(std::memory_order_relaxed);
    if (static_cast<std::int64_t>(hint - next_) <= 0) {
      return false;
    }
    next_ = hint;
    hint_due_ = next_ + ring_.hint_interval();
    return true;
  }

  /// A claim was not there any more: somebody went around it, SYNC (d), or it makes no sense.
  [[nodiscard]] commit_result lost(position p, word w) const noexcept {
    const bool revoked = w.is(state::revoked) && w.owner() == id_ && ring_.sound(p, w);
    return revoked ? commit_result::revoked : commit_result::corrupted;
  }

  /// Moves on after a message, and works out how far `put` can go on straight from there.
  void go_on_straight(position p) noexcept {
    next_ = p;
    free_ = word::free(ring_.lap(p)).bits;
    const position end_of_lap = p - ring_.index(p) + ring_.size();
    straight_until_ = hint_due_ < end_of_lap ? hint_due_ : end_of_lap;
  }

  ring<A> ring_;
  std::uint32_t id_;
  bool exclusive_;
  std::uint64_t claimed_alone_ = word::make(0, state::claimed, id_, 1).bits;  // but for the lap
  std::uint64_t ready_alone_ = word::make(0, state::ready, id_, 1).bits;
  position next_;
  position hint_due_ = 0;
  position straight_until_ = 0;  // where `put` ends; before it, in this lap,
  std::uint64_t free_ = 0;       // this is a free word
};

}  // namespace millrace::detail
