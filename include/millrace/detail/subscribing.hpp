// The subscribers' side of the ring: walk, take, finish, give back, and go around stalled claims.
//
// What a subscriber at position p (lap M) does, by the word there:
//   (1) ready, lap M                  take it
//   (2) pad, lap M                    clear it, step over it
//   (3) claimed, lap M                in progress: the caller decides how long to wait (stalled)
//   (4) free or held, lap M           empty
//   (5) held, lap beyond M            step over the span
//   (6) anything else, lap beyond M   step one slot: others are ahead
//   (7) anything, lap before M        empty
//
// An exclusive subscriber takes nothing: it reads a ready message in place, marking it as handed
// out, and sets it free when done. Only when it goes on to the next message while it keeps this
// one does it take it, so that publishers can go around it.
#pragma once

#include <atomic>
#include <optional>

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
        next_(r.where().subscribe.load(std::memory_order_relaxed)), hinted_(next_) {}

  /// Takes the next message in order, of at most `limit` bytes. `too_large` leaves its size in
  /// `m.size`.
  [[nodiscard]] take_result take(std::size_t limit, taken_message& m) noexcept {
    if (in_place_ && !keep_in_place()) {
      return take_result::corrupted;
    }
    if (next_ - hinted_ >= ring_.size() / 4) {
      leave_hint();
    }
    // As in publishing: the bound is for memory that makes no sense.
    for (position steps = 4 * ring_.size(); steps != 0; --steps) {
      word seen = ring_.load(next_);
      const std::int32_t ahead = laps_between(seen.lap(), ring_.lap(next_));
      if (ahead < 0) {  // (7)
        if (catch_up()) {
          continue;
        }
        return take_result::empty;
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
        ring_.clear_pad(next_, seen, id_);
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

  /// Takes a message that was handed out before and came back, if this finds one before the end of
  /// a pass over all words. `empty`: a whole pass found none; call again when the queue's epoch has
  /// changed.
  [[nodiscard]] take_result take_orphan(std::size_t limit, taken_message& m) noexcept {
    if (in_place_ && !keep_in_place()) {
      return take_result::corrupted;
    }
    for (; scan_ < ring_.size(); ++scan_) {
      word seen = ring_.load(scan_);
      if (!seen.is(state::orphan)) {
        continue;
      }
      if (!ring_.sound(scan_, seen)) {
        return take_result::corrupted;
      }
      const outcome o = try_take(scan_, seen, limit, m);
      if (o.again) {
        --scan_;  // look at the same word once more
        continue;
      }
      found_ = found_ || o.result == take_result::taken;
      return o.result;
    }
    scan_ = 0;
    if (std::exchange(found_, false)) {
      return take_orphan(limit, m);  // one more pass, since a message may have come back behind it
    }
    return take_result::empty;
  }

  /// The message is done with: from here on nobody is ever given it again. SYNC (b).
  [[nodiscard]] bool finish(position p) noexcept {
    if (in_place_ && in_place_->at == p) {
      const word done = word::free(ring_.lap(p) + 1);
      for (std::uint32_t i = 1; i < in_place_->span; ++i) {
        ring_.store(p + i, done);
      }
      ring_.store(p, done);
      in_place_.reset();
      return true;
    }
    word seen = ring_.load(p);
    for (;;) {  // again only when somebody went around it, SYNC (e)
      if (!seen.is(state::taken) || seen.owner() != id_ || !ring_.sound(p, seen)) {
        return false;
      }
      if (seen.span() == 1) {
        if (exchange_last(p, seen, word::free(seen.lap()))) {
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
    if (in_place_ && in_place_->at == p && !keep_in_place()) {
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

  void leave_hint() noexcept {
    ring<A>::advance(ring_.where().subscribe, in_place_ ? in_place_->at : next_);
    hinted_ = next_;
  }

  /// Asks for the line that will be read, and written when done, `distance` slots from now.
  void prefetch(position distance) const noexcept { A::prefetch(&ring_.at(next_ + distance)); }

  [[nodiscard]] const ring<A>& slots() const noexcept { return ring_; }

 private:
  struct outcome {
    bool again;
    take_result result;
  };
  static constexpr outcome try_again{true, take_result::empty};

  /// The span's last exchange, sequentially consistent because the look at the sleepers follows it.
  [[nodiscard]] bool exchange_last(position p, word& expected, word desired) const noexcept {
    return ring_.at(p).word.compare_exchange_strong(expected.bits, desired.bits,
                                                    std::memory_order_seq_cst,
                                                    std::memory_order_acquire);
  }

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
    if (!ring_.sound(mine, s)) {
      return {false, take_result::corrupted};
    }
    m = describe(p, mine.span(), s, again);
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
    m = describe(next_, seen.span(), s, again);
    in_place_ = m;
    next_ += seen.span();
    if (again && once_) {
      return {!finish(m.at) || true, take_result::empty};
    }
    return {false, take_result::taken};
  }

  [[nodiscard]] taken_message describe(position p, std::uint32_t span, shape s,
                                       bool again) const noexcept {
    const std::byte* first =
        s.has(shape::in_blocks) ? ring_.block(p) : ring_.at(p).inline_bytes;
    return {p, span, first, s.length(), again};
  }

  /// Turns the message that is read in place into a taken one.
  [[nodiscard]] bool keep_in_place() noexcept {
    const taken_message m = *in_place_;
    in_place_.reset();
    word seen = ring_.load(m.at);
    if (!seen.is(state::ready) || seen.span() != m.span) {
      return false;
    }
    return ring_.exchange(m.at, seen,
                          word::make(seen.lap() + 1, state::taken, id_, seen.span()));
  }

  bool catch_up() noexcept {
    const position hint = ring_.where().subscribe.load(std::memory_order_relaxed);
    if (static_cast<std::int64_t>(hint - next_) <= 0) {
      return false;
    }
    next_ = hinted_ = hint;
    return true;
  }

  ring<A> ring_;
  std::uint32_t id_;
  bool exclusive_;
  bool once_;
  position next_;
  position hinted_;
  std::optional<taken_message> in_place_;  // exclusive: handed out, still ready
  stalled_claim stalled_{};
  position scan_ = 0;
  bool found_ = false;
};

}  // namespace millrace::detail
