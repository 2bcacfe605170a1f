// The subscribers' side of the ring: walk, take, finish, give back, and go around stalled claims.
//
// What a subscriber at position p (lap M) does, by the word there:
//   (1) ready, lap M                  take it
//   (2) pad, lap M                    clear it, step over it
//   (3) claimed, lap M                in progress: the caller decides how long to wait (stalled)
//   (4) free or held, lap M           empty
//   (5) held, lap beyond M            step over the span
//   (6) anything else, lap beyond M   step one slot: others are ahead
//   (7) anything, lap before M        empty; more than one lap before, a hint that was no hint
//
// An exclusive subscriber takes nothing: it reads a ready message in place, marking it as handed
// out, and sets it free when done. Only when it goes on to the next message while it keeps this
// one does it take it, so that publishers can go around it.
//
// Nor is a message of one slot taken that is only to be copied: it is copied first, and the
// exchange that sets it free confirms that it was this message all the while. Nothing is in the
// subscriber's hands meanwhile, so nothing has to come back if it dies.
#pragma once

#include <atomic>
#include <span>
#include <utility>

#include <millrace/detail/copy.hpp>
#include <millrace/detail/ring.hpp>

namespace millrace::detail {

enum class take_result {
  taken,
  empty,
  in_progress,  // somebody is writing the next message
  too_large,    // the next message is longer than the caller's limit; it stays
  corrupted,
};

struct taken_message {
  position at;
  std::uint32_t span;
  const std::byte* first;
  std::size_t size;
  bool redelivered;
};

/// The claim that holds a subscriber up.
struct stalled_claim {
  position at;
  word claim;
  friend bool operator==(const stalled_claim&, const stalled_claim&) noexcept = default;
};

template <class A>
class subscribing {
 public:
  /// `exclusive`: no other subscriber can be open. `once`: a message that was handed out to a
  /// subscriber which died is dropped, not delivered again.
  subscribing(const ring<A>& r, std::uint32_t id, bool exclusive, bool once) noexcept
      : ring_(r), id_(id), exclusive_(exclusive), once_(once),
        next_(r.where().subscribe.load(std::memory_order_relaxed)) {}

  /// Takes the next message in order, of at most `limit` bytes. `too_large` leaves its size in
  /// `m.size`.
  [[nodiscard]] take_result take(std::size_t limit, taken_message& m) noexcept {
    if (!prepare()) {
      return take_result::corrupted;
    }
    // As in publishing: the bound is for memory that makes no sense.
    for (position steps = 4 * ring_.size(); steps != 0; --steps) {
      if (hint_due()) {
        leave_hint();
      }
      word seen = ring_.load(next_);
      const std::int32_t ahead = laps_between(seen.lap(), ring_.lap(next_));
      if (ahead < 0) [[unlikely]] {  // (7)
        if (catch_up()) {
          continue;
        }
        return ahead == -1 ? take_result::empty : take_result::corrupted;
      }
      if (seen.is(state::free) || (ahead > 0 && !seen.held())) {
        if (ahead == 0) {  // (4)
          if (catch_up()) {
            continue;
          }
          return take_result::empty;
        }
        if (ahead == 1 || !catch_up()) {  // (6)
          ++next_;
        }
        continue;
      }
      if (!ring_.sound(next_, seen)) {
        return take_result::corrupted;
      }
      if (ahead > 0) {  // (5)
        next_ += seen.span();
        continue;
      }
      switch (seen.state()) {
      case state::ready: {  // (1)
        const outcome o = exclusive_ ? hand_out(seen, limit, m) : try_take(next_, seen, limit, m);
        if (o.again) {
          continue;
        }
        return o.result;
      }
      case state::pad:  // (2)
        freed_ = ring_.clear_pad(next_, seen, id_) || freed_;
        next_ += seen.span();
        continue;
      case state::claimed:  // (3)
        stalled_ = {next_, seen};
        return take_result::in_progress;
      default:  // (4), held
        if (catch_up()) {
          continue;
        }
        return take_result::empty;
      }
    }
    return take_result::empty;
  }

  /// Copies and finishes the next message if it is ready, inside its slot and no longer than
  /// `buffer`: what take_copy mostly comes to. False, with anything in the buffer: it is none of
  /// these, or there are other things to see to.
  [[nodiscard]] bool take_next_copy(std::span<std::byte> buffer, std::size_t& size) noexcept {
    const position p = next_;
    slot<A>& here = ring_.at(p);
    const std::uint64_t seen = here.word.load(std::memory_order_acquire);  // SYNC (a)
    // No flag is set in the shape of such a message.
    const std::uint64_t length = here.shape.load(std::memory_order_relaxed);
    if (p >= straight_until_ || (seen & ~word::owner_mask) != ready_alone_ ||
        length > slot<A>::inline_size || length > buffer.size()) [[unlikely]] {
      return false;
    }
    if (!exclusive_) {
      // To be its only holder, which the exchange below needs, while the second line comes.
      A::prefetch_to_write(&here);
    }
    // Should another subscriber be quicker, this reads what a publisher may be writing by then, and
    // throws it away.
    copy_short_racing(buffer.data(), here.inline_bytes, length);
    if (exclusive_) [[likely]] {
      here.word.store(done_alone_, std::memory_order_release);  // SYNC (b)
    } else if (std::uint64_t expected = seen; !here.word.compare_exchange_strong(
                   expected, done_alone_, std::memory_order_seq_cst, std::memory_order_relaxed)) {
      return false;
    }
    prefetch_beyond(here);
    next_ = p + 1;
    size = length;
    return true;
  }

  /// Copies the next message in order into `buffer` and finishes it; `m` then says its size and
  /// whether it was redelivered. `too_large` leaves its size in `m.size`.
  [[nodiscard]] take_result take_copy(std::span<std::byte> buffer, taken_message& m) noexcept {
    return copy_out(take(buffer.size(), m), buffer, m);
  }

  /// Takes a message that was handed out before and came back. `empty`: a whole pass over the
  /// words, begun when the queue's epoch was `epoch` already, found no more; there is nothing to
  /// look for until the epoch has moved on.
  [[nodiscard]] take_result take_orphan(std::uint64_t epoch, std::size_t limit,
                                        taken_message& m) noexcept {
    if (!prepare()) {
      return take_result::corrupted;
    }
    if (epoch != scanned_epoch_) {
      scanned_epoch_ = epoch;
      scan_ = 0;
    }
    for (; scan_ < ring_.size(); ++scan_) {
      for (word seen = ring_.load(scan_); seen.is(state::orphan); seen = ring_.load(scan_)) {
        if (!ring_.sound(scan_, seen)) {
          return take_result::corrupted;
        }
        if (const outcome o = try_take(scan_, seen, limit, m); !o.again) {
          return o.result;
        }
      }
    }
    scan_ = 0;
    return take_result::empty;
  }

  /// The same for a copy, as take_copy.
  [[nodiscard]] take_result take_orphan_copy(std::uint64_t epoch, std::span<std::byte> buffer,
                                             taken_message& m) noexcept {
    return copy_out(take_orphan(epoch, buffer.size(), m), buffer, m);
  }

  /// The message is done with: from here on nobody is ever given it again. SYNC (b).
  [[nodiscard]] bool finish(position p) noexcept {
    if (in_place(p)) {
      const word done = word::free(ring_.lap(p) + 1);
      for (std::uint32_t i = 1; i < in_place_span_; ++i) {
        ring_.store(p + i, done);
      }
      ring_.store(p, done);
      in_place_span_ = 0;
      return true;
    }
    word seen = ring_.load(p);
    for (;;) {  // again only when somebody went around it, SYNC (e)
      if (!seen.is(state::taken) || seen.owner() != id_ || !ring_.sound(p, seen)) {
        return false;
      }
      if (seen.span() == 1) {
        if (ring_.exchange_last(p, seen, word::free(seen.lap()))) {
          return true;
        }
      } else if (ring_.exchange(p, seen, seen.with(state::clearing))) {
        return ring_.release(p, id_);
      }
    }
  }

  /// Gives a message back, to be delivered again. SYNC (c). The caller then moves the queue's epoch
  /// on, so that others look for it.
  [[nodiscard]] bool give_back(position p) noexcept {
    if (in_place(p) && !keep_in_place()) {
      return false;
    }
    word seen = ring_.load(p);
    do {
      if (!seen.is(state::taken) || seen.owner() != id_) {
        return false;
      }
    } while (!ring_.exchange(p, seen, seen.with(state::orphan)));
    return true;
  }

  /// The claim that the latest take() found in progress.
  [[nodiscard]] const stalled_claim& stalled() const noexcept { return stalled_; }

  /// Whether anything lies beyond that claim, so that somebody is held up by it.
  [[nodiscard]] bool holds_others_up() const noexcept {
    const position after = stalled_.at + stalled_.claim.span();
    const word w = ring_.load(after);
    return stalled_.claim.span() < ring_.size() && w != word::free(ring_.lap(after)) &&
           laps_between(w.lap(), ring_.lap(after)) >= 0;
  }

  /// Goes around that claim: its owner, when it goes on, finds out at its commit. SYNC (d).
  [[nodiscard]] bool revoke() noexcept {
    word seen = stalled_.claim;
    if (!ring_.exchange(stalled_.at, seen, seen.with(state::revoked).with_next_lap())) {
      return false;
    }
    next_ = stalled_.at + stalled_.claim.span();
    return true;
  }

  /// Whether takes have set slots free, for which publishers may wait, since this was last asked.
  [[nodiscard]] bool freed_slots() noexcept { return std::exchange(freed_, false); }

  /// Whether this is one of the rare moments at which a hint is left.
  [[nodiscard]] bool hint_due() const noexcept { return next_ >= hint_due_; }

  void leave_hint() noexcept {
    ring<A>::advance(ring_.where().subscribe, in_place_span_ != 0 ? in_place_at_ : next_);
    hint_due_ = next_ + ring_.hint_interval();
  }

  /// Has take_next_copy leave the next message to take_copy.
  void stop_going_straight() noexcept { straight_until_ = 0; }

  /// Asks for the second line of the slot that is being waited for, so that it comes together with
  /// the first when the message is there. Not for where publishers claim: whoever looks between a
  /// claim and its commit would take from the publisher the line that it is about to write (round
  /// trip of 64 bytes: 530 ns instead of 450; with an exclusive publisher 340 instead of 420).
  void prefetch_awaited() const noexcept {
    A::prefetch_to_read(&ring_.at(next_).inline_bytes[slot<A>::second_line]);
  }

  [[nodiscard]] const ring<A>& slots() const noexcept { return ring_; }

 private:
  struct outcome {
    bool again;
    take_result result;
  };
  static constexpr outcome try_again{true, take_result::empty};

  /// A ready message at `p`, or one given back. SYNC (a), (c).
  outcome try_take(position p, word seen, std::size_t limit, taken_message& m) noexcept {
    const bool again = seen.is(state::orphan);
    if (limit < ring_.max_span() * ring_.block_size()) {
      // A look before taking, of which the exchange below confirms that it was of this message.
      const shape s{ring_.at(p).shape.load(std::memory_order_relaxed)};
      if (s.length() > limit) {
        if (ring_.load(p) != seen) {
          return try_again;
        }
        m.size = s.length();
        return {false, ring_.sound(seen, s) ? take_result::too_large : take_result::corrupted};
      }
    }
    const word mine =
        word::make(again ? seen.lap() : seen.lap() + 1, state::taken, id_, seen.span());
    if (!ring_.exchange(p, seen, mine)) {
      return try_again;
    }
    if (!again) {
      next_ = p + mine.span();
    }
    const shape s{ring_.at(p).shape.load(std::memory_order_relaxed)};
    if (!ring_.sound(mine, s) || s.length() > limit) {
      return {false, take_result::corrupted};
    }
    prefetch_beyond(ring_.at(p));
    describe(m, p, mine.span(), s, again);
    return {false, take_result::taken};
  }

  /// The exclusive subscriber's take: nothing but a mark. SYNC (a).
  outcome hand_out(word seen, std::size_t limit, taken_message& m) noexcept {
    const shape s{ring_.at(next_).shape.load(std::memory_order_relaxed)};
    if (!ring_.sound(seen, s)) {
      return {false, take_result::corrupted};
    }
    const bool again = s.has(shape::handed_out);
    if (!(again && once_) && s.length() > limit) {
      m.size = s.length();
      return {false, take_result::too_large};
    }
    ring_.at(next_).shape.store(s.bits | shape::handed_out, std::memory_order_relaxed);
    // The mark precedes the reader's first look in program order, which is the order that a kill
    // sees.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    prefetch_beyond(ring_.at(next_));
    describe(m, next_, seen.span(), s, again);
    in_place_at_ = next_;
    in_place_span_ = seen.span();
    stop_going_straight();
    next_ += seen.span();
    if (again && once_) {
      (void)finish(in_place_at_);
      freed_ = true;
      return try_again;
    }
    return {false, take_result::taken};
  }

  [[nodiscard]] take_result copy_out(take_result r, std::span<std::byte> buffer,
                                     const taken_message& m) noexcept {
    if (r != take_result::taken) {
      return r;
    }
    copy(buffer.data(), m.first, m.size);
    if (!finish(m.at)) {
      return take_result::corrupted;
    }
    go_on_straight();
    return take_result::taken;
  }

  [[nodiscard]] const std::byte* first_byte(position p, shape s) const noexcept {
    return s.has(shape::in_blocks) ? ring_.block(p) : ring_.at(p).inline_bytes;
  }

  void describe(taken_message& m, position p, std::uint32_t span, shape s,
                bool again) const noexcept {
    m.at = p;
    m.span = span;
    m.first = first_byte(p, s);
    m.size = s.length();
    m.redelivered = again;
  }

  /// What precedes every take. False: the memory makes no sense.
  [[nodiscard]] bool prepare() noexcept { return in_place_span_ == 0 || keep_in_place(); }

  /// Whether the message at `p` is the one that is read in place.
  [[nodiscard]] bool in_place(position p) const noexcept {
    return in_place_span_ != 0 && in_place_at_ == p;
  }

  /// Turns the message that is read in place into a taken one.
  [[nodiscard]] bool keep_in_place() noexcept {
    const std::uint32_t span = std::exchange(in_place_span_, 0);
    word seen = ring_.load(in_place_at_);
    if (!seen.is(state::ready) || seen.span() != span) {
      return false;
    }
    return ring_.exchange(in_place_at_, seen, word::make(seen.lap() + 1, state::taken, id_, span));
  }

  /// Asks for a line that will soon be read, and written when done. How far ahead was measured;
  /// publishers gain nothing from it, since their stores do not wait for the lines. At the ring's
  /// end this asks for lines of blocks in vain, which costs less than finding that out.
  static void prefetch_beyond(const slot<A>& here) noexcept {
    A::prefetch_to_write(reinterpret_cast<const std::byte*>(&here) + 16 * sizeof(slot<A>));
  }

  /// Works out how far take_next_copy can go on straight from here.
  void go_on_straight() noexcept {
    const std::uint32_t lap = ring_.lap(next_);
    ready_alone_ = word::make(lap, state::ready, 0, 1).bits;
    done_alone_ = word::free(lap + 1).bits;
    const position end_of_lap = next_ - ring_.index(next_) + ring_.size();
    straight_until_ = hint_due_ < end_of_lap ? hint_due_ : end_of_lap;
  }

  bool catch_up() noexcept {
    const position hint = ring_.where().subscribe.load(std::memory_order_relaxed);
    if (static_cast<std::int64_t>(hint - next_) <= 0) {
      return false;
    }
    next_ = hint;
    hint_due_ = next_ + ring_.hint_interval();
    return true;
  }

  ring<A> ring_;
  std::uint32_t id_;
  bool exclusive_;
  bool once_;
  position next_;
  position hint_due_ = 0;
  position straight_until_ = 0;    // where take_next_copy ends; before it, in this lap,
  std::uint64_t ready_alone_ = 0;  // this is the word of a message in one slot, but for the owner,
  std::uint64_t done_alone_ = 0;   // and this what the word becomes
  position in_place_at_ = 0;       // exclusive: the message handed out and still ready,
  std::uint32_t in_place_span_ = 0;  // if not 0
  stalled_claim stalled_{};
  position scan_ = 0;                // take_orphan's place in its pass
  std::uint64_t scanned_epoch_ = 0;  // and the epoch that it began in
  bool freed_ = false;
};

}  // namespace millrace::detail
