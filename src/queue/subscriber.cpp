// The subscribing end of a queue: dequeue, finish, requeue.
#include <millrace/queue/subscriber.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include <millrace/detail/recovering.hpp>
#include <millrace/detail/subscribing.hpp>

#include "core/fail.hpp"
#include "queue/handle.hpp"
#include "queue/participant.hpp"
#include "queue/recovery.hpp"
#include "queue/waiting.hpp"

namespace millrace {

namespace detail {

/// What a subscriber and its messages share. Lives until all of them are gone.
class subscriber_core {
 public:
  subscriber_core(std::string_view name, const queue_options& options)
      : self_(std::in_place, name, options, side::subscribes),
        side_(self_->queue().ring(), self_->id(), self_->alone(), self_->queue().once()),
        watch_(*self_),
        patience_(std::min<std::chrono::nanoseconds>(options.patience, longest_patience)),
        spin_(options.spin), must_fence_(self_->alone() && !self_->reached_by_fences()),
        max_size_(self_->queue().sizes().capacity() / 2) {}

  // ---- dequeue

  std::optional<message> try_dequeue() {
    begin();
    taken_message m;
    return lend_if(next_loan(m), m);
  }

  std::optional<message> dequeue_until(steady_time deadline, const std::stop_token& stop) {
    begin();
    taken_message m;
    const status s = wait(
        subscribers_of(*self_), self_->record(), deadline, stop, spin_,
        [&] { return next_loan(m); }, [this] { return nap_; }, [this] { look_around(); });
    return lend_if(s, m);
  }

  status try_dequeue(std::span<std::byte> buffer, std::size_t& size) {
    // The common case on its own and without a call, so that it costs no more than it must.
    if (self_->forked() || self_->head().events.load(std::memory_order_acquire) != seen_events_ ||
        !side_.take_next_copy(buffer, size)) [[unlikely]] {
      return dequeue_now(buffer, size);
    }
    last_ = status::ok;
    return finished(size);
  }

  // ---- the end of a message

  void done(position p, std::size_t size) noexcept {
    if (end_of_loan()) {
      return;
    }
    if (side_.finish(p)) {
      (void)finished(size);
    } else {
      distrust();
    }
  }

  void requeue(position p) {
    const bool sound = side_.give_back(p);
    --loans_;
    if (!sound) {
      distrust();
      self_->fail_corrupted("giving a message back");
    }
    came_back();
  }

  /// What a message checks before it shows its bytes.
  void check_loan() const {
    if (left_) {
      fail(errc::closed, "", "using a message", "its subscriber is gone, and it went back");
    }
    if (self_->forked()) [[unlikely]] {
      self_->fail_forked();
    }
  }

  // ---- the handle

  /// The subscriber is gone; what is left of this serves its messages, to say so.
  void leave() noexcept {
    if (!self_->forked()) {
      if (loans_ != 0 || unsound_) {
        recover(side_.slots(), self_->id(), self_->queue().once());
        came_back();
        wake_publishers(*self_);
      }
      side_.leave_hint();
    }
    self_.reset();
    left_ = true;
    if (loans_ == 0) {
      delete this;
    }
  }

  [[nodiscard]] status last_status() const noexcept { return last_; }
  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }

 private:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
  static constexpr std::chrono::nanoseconds first_question = std::chrono::milliseconds(1);
  static constexpr std::chrono::nanoseconds last_question = std::chrono::milliseconds(8);
  /// So that its multiples can be counted too.
  static constexpr std::chrono::nanoseconds longest_patience = std::chrono::hours(24);

  status answer(status s) noexcept { return last_ = s; }

  void begin() {
    if (self_->forked()) [[unlikely]] {
      self_->fail_forked();
    }
    if (unsound_) [[unlikely]] {
      self_->fail_corrupted("finishing a message");
    }
  }

  /// Nothing more is taken from memory that makes no sense.
  void distrust() noexcept {
    unsound_ = true;
    side_.stop_going_straight();
  }

  [[gnu::noinline]] status dequeue_now(std::span<std::byte> buffer, std::size_t& size) {
    begin();
    taken_message m;
    const status s = next([&](bool again, std::uint64_t epoch) {
      return again ? side_.take_orphan_copy(epoch, buffer, m) : side_.take_copy(buffer, m);
    });
    if (s == status::ok) {
      count_delivery(m);
      (void)finished(m.size);
    }
    if (s == status::ok || s == status::buffer_too_small) {
      size = m.size;
    }
    return answer(s);
  }

  status next_loan(taken_message& m) {
    return next([&](bool again, std::uint64_t epoch) {
      return again ? side_.take_orphan(epoch, no_limit, m) : side_.take(no_limit, m);
    });
  }

  /// Takes the next message by `take(again, epoch)`: those that came back first, then in order.
  /// Answers: ok, empty, buffer_too_small, removed.
  template <class Take>
  status next(Take take) {
    for (;;) {
      const std::uint64_t events = self_->head().events.load(std::memory_order_acquire);
      take_result r = take_result::empty;
      if (events != seen_events_) [[unlikely]] {
        if ((events & header::removed) != 0) {
          return status::removed;
        }
        r = take(true, events);
        if (r == take_result::empty) {
          seen_events_ = events;
        }
      }
      if (r == take_result::empty) [[likely]] {
        if (side_.hint_due()) {
          // Now and then also while messages flow, every thousand or so.
          search_if(watch_.tick(side_.slots().hint_interval() / 16));
        }
        r = take(false, events);
      }
      if (side_.freed_slots()) [[unlikely]] {
        wake_publishers(*self_);
      }
      if (r == take_result::taken) [[likely]] {
        return status::ok;
      }
      if (r == take_result::too_large) {
        return status::buffer_too_small;
      }
      if (r == take_result::corrupted) {
        distrust();
        self_->fail_corrupted("taking a message");
      }
      if (self_->queue().publishers() == role::exclusive) {
        side_.prefetch_awaited();
      }
      nap_ = sleep_slice;
      const bool changed = r == take_result::in_progress ? go_around() : search_if(watch_.tick());
      if (!changed) {
        return status::empty;
      }
    }
  }

  /// Has the next take search for messages that came back.
  bool search_if(bool came_back) noexcept {
    if (came_back) {
      seen_events_ = ~std::uint64_t{0};
    }
    return came_back;
  }

  /// Somebody's claim is in the way. Waits, in the sense that it answers false, for its owner to go
  /// on; asks from time to time whether it lives; goes around it when it does but has held others
  /// up for longer than its patience. True: it is out of the way.
  bool go_around() {
    const stalled_claim& claim = side_.stalled();
    const auto now = std::chrono::steady_clock::now();
    if (claim != stalled_) {
      stalled_ = claim;
      stalled_since_ = now;
      question_after_ = first_question;
      nap_ = first_question;
      return false;
    }
    const std::uint32_t owner = claim.claim.owner();
    if (owner >= table_size) {
      self_->fail_corrupted("looking at a claim");
    }
    const auto stood = now - stalled_since_;
    if (stood >= question_after_) {
      question_after_ =
          stood + std::clamp<std::chrono::nanoseconds>(stood, first_question, last_question);
      if (recover_if_dead(self_->queue(), self_->leases(), self_->id(), owner)) {
        wake_publishers(*self_);
        return true;
      }
    }
    // Somebody whose message was revoked before gets more time, so that it comes through.
    const std::uint32_t times =
        self_->queue().participant(owner).revoked_in_a_row.load(std::memory_order_relaxed);
    const auto patience = patience_ * (1 << std::min(times, 10U));
    const bool overdue = stood >= patience;
    if (overdue && side_.holds_others_up() && side_.revoke()) {
      count(self_->record().revocations);
      note_revocation(self_->queue(), owner);
      return true;
    }
    // Once it is overdue and nobody is held up, there is nothing to hurry for.
    nap_ = overdue ? sleep_slice
                   : std::max<std::chrono::nanoseconds>(
                         first_question,
                         std::min<std::chrono::nanoseconds>(question_after_, patience) - stood);
    return false;
  }

  /// After a sleep that nobody ended, in which somebody may have died.
  void look_around() {
    if (recover_all(self_->queue(), self_->leases(), self_->id())) {
      wake_publishers(*self_);
      wake_subscribers(*self_, 1);
    }
    search_if(watch_.look_if_due());
  }

  std::optional<message> lend_if(status s, const taken_message& m) noexcept {
    if (answer(s) != status::ok) {
      return std::nullopt;
    }
    ++loans_;
    count_delivery(m);
    return message(*this, m.at, m.first, m.size, m.redelivered);
  }

  void count_delivery(const taken_message& m) noexcept {
    if (m.redelivered) [[unlikely]] {
      count(self_->record().redeliveries);
    }
  }

  /// Counts, and wakes those who wait for room. Always ok, for callers that end with it.
  status finished(std::size_t size) noexcept {
    participant_record& mine = self_->record();
    count(mine.finished);
    count(mine.finished_bytes, size);
    // A plain store may have been the end, as in publisher_core::published.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (must_fence_ || self_->head().not_full.anybody()) [[unlikely]] {
      return woken();
    }
    return status::ok;
  }

  [[gnu::noinline, gnu::cold]] status woken() noexcept {
    if (must_fence_) {
      os::fence_here();
    }
    wake_publishers(*self_);
    return status::ok;
  }

  /// Messages came back: says so to all subscribers, of which this one may be one.
  void came_back() noexcept {
    self_->head().events.fetch_add(1, std::memory_order_seq_cst);
    wake_subscribers(*self_, 1);
  }

  /// True: there is nothing to finish, since the subscriber is gone or this is a forked child.
  bool end_of_loan() noexcept {
    --loans_;
    if (left_) {
      if (loans_ == 0) {
        delete this;
      }
      return true;
    }
    return self_->forked();
  }

  std::optional<participant> self_;
  subscribing<native_atomics> side_;
  watch watch_;
  std::chrono::nanoseconds patience_;
  std::chrono::nanoseconds spin_;
  bool must_fence_;
  bool left_ = false;     // the subscriber has
  bool unsound_ = false;  // the end of a message found memory that makes no sense
  status last_ = status::ok;
  std::uint32_t loans_ = 0;
  std::size_t max_size_;
  std::uint64_t seen_events_ = ~std::uint64_t{0};
  stalled_claim stalled_{};
  steady_time stalled_since_{};
  std::chrono::nanoseconds question_after_{};
  std::chrono::nanoseconds nap_ = sleep_slice;
};

}  // namespace detail

using detail::checked;

// ---- subscriber

subscriber::subscriber(std::string_view name, const queue_options& options)
    : core_(new detail::subscriber_core(name, options)) {}
subscriber::subscriber(subscriber&&) noexcept = default;
subscriber& subscriber::operator=(subscriber&&) noexcept = default;
subscriber::~subscriber() = default;

void subscriber::release::operator()(detail::subscriber_core* core) const noexcept {
  core->leave();
}

std::optional<message> subscriber::try_dequeue() {
  return checked(core_.get(), "a subscriber").try_dequeue();
}

std::optional<message> subscriber::dequeue(std::stop_token stop) {
  return checked(core_.get(), "a subscriber").dequeue_until(detail::steady_time::max(), stop);
}

std::optional<message> subscriber::dequeue_for(std::chrono::nanoseconds time,
                                               std::stop_token stop) {
  return checked(core_.get(), "a subscriber").dequeue_until(detail::deadline_after(time), stop);
}

status subscriber::try_dequeue(std::span<std::byte> buffer, std::size_t& size) {
  return checked(core_.get(), "a subscriber").try_dequeue(buffer, size);
}

status subscriber::last_status() const noexcept {
  return core_ != nullptr ? core_->last_status() : status::ok;
}

std::size_t subscriber::max_message_size() const noexcept {
  return core_ != nullptr ? core_->max_size() : 0;
}

// ---- message

message::message(detail::subscriber_core& core, std::uint64_t position, const std::byte* first,
                 std::size_t size, bool redelivered) noexcept
    : core_(&core), position_(position), first_(first), size_(size), redelivered_(redelivered) {}

message::message(message&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)), position_(other.position_), first_(other.first_),
      size_(other.size_), redelivered_(other.redelivered_) {}

message& message::operator=(message&& other) noexcept {
  if (this != &other) {
    message ended(std::move(*this));
    core_ = std::exchange(other.core_, nullptr);
    position_ = other.position_;
    first_ = other.first_;
    size_ = other.size_;
    redelivered_ = other.redelivered_;
  }
  return *this;
}

message::~message() {
  if (core_ != nullptr) {
    core_->done(position_, size_);
  }
}

std::span<const std::byte> message::bytes() const {
  checked(core_, "a message").check_loan();
  return {first_, size_};
}

std::string_view message::text() const {
  const auto all = bytes();
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

void message::requeue() {
  checked(core_, "a message").check_loan();
  std::exchange(core_, nullptr)->requeue(position_);
}

}  // namespace millrace
