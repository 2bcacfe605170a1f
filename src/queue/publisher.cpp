// The publishing end of a queue: enqueue, batch, reserve.
#include <millrace/queue/publisher.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include <millrace/detail/copy.hpp>
#include <millrace/detail/publishing.hpp>

#include "core/fail.hpp"
#include "queue/handle.hpp"
#include "queue/participant.hpp"
#include "queue/recovery.hpp"
#include "queue/waiting.hpp"

namespace millrace {

namespace detail {

/// What a publisher and its reservation share. Lives until both are gone.
class publisher_core {
 public:
  publisher_core(std::string_view name, const queue_options& options)
      : self_(std::in_place, name, options, side::publishes),
        // Where sleepers' fences don't reach, the exchanges of the shared role do without them.
        side_(self_->queue().ring(), self_->id(), self_->alone() && self_->reached_by_fences()),
        spin_(options.spin), max_size_(self_->queue().sizes().capacity() / 2) {}

  // ---- enqueue

  status try_enqueue(std::span<const std::byte> bytes) {
    // The common case on its own and without a call, so that it costs no more than it must.
    // While a reservation is open `put` says that it can't.
    if (bytes.size() > slot<native_atomics>::inline_size || self_->forked() || self_->removed())
        [[unlikely]] {
      return enqueue_now(bytes);
    }
    const put_result r = side_.put([bytes](slot<native_atomics>& s) {
      copy_short(s.inline_bytes, bytes.data(), bytes.size());
      s.shape.store(bytes.size(), std::memory_order_relaxed);
    });
    if (r != put_result::published) [[unlikely]] {
      return r == put_result::revoked ? enqueue_anew(bytes) : enqueue_now(bytes);
    }
    last_ = status::ok;
    return published(1, bytes.size());
  }

  status enqueue_until(std::span<const std::byte> bytes, steady_time deadline,
                       const std::stop_token& stop) {
    begin();
    if (bytes.size() > max_size_) {
      return answer(status::too_large);
    }
    const status s = wait_for_room(deadline, stop, [&] { return enqueue_once(bytes); });
    forget_stalls();
    return answer(s);
  }

  status try_enqueue_batch(std::span<const std::span<const std::byte>> messages) {
    begin();
    if (messages.empty()) {
      return answer(status::ok);
    }
    if (messages.size() == 1) {
      return try_enqueue(messages.front());
    }
    const ring<native_atomics>& slots = side_.slots();
    std::uint64_t span = 0;
    for (const auto& m : messages) {
      if (m.size() > max_size_ || (span += slots.span_for(m.size())) > slots.max_span()) {
        return answer(status::too_large);
      }
    }
    return answer(enqueue_together(messages, static_cast<std::uint32_t>(span)));
  }

  // ---- reserve

  bool try_reserve(std::size_t size) {
    begin();
    if (size > max_size_) {
      return answer(status::too_large) == status::ok;
    }
    return answer(reserve_once(size)) == status::ok;
  }

  bool reserve_until(std::size_t size, steady_time deadline, const std::stop_token& stop) {
    begin();
    if (size > max_size_) {
      return answer(status::too_large) == status::ok;
    }
    return answer(wait_for_room(deadline, stop, [&] { return reserve_once(size); })) == status::ok;
  }

  std::span<std::byte> reserved() {
    check_reservation();
    return {copy_.empty() ? place(room_.at, room_.size) : copy_.data(), room_.size};
  }

  status commit(std::size_t used) {
    check_reservation();
    if (used > room_.size) {
      return answer(status::too_large);
    }
    if (self_->removed()) {
      drop_reservation();
      return answer(status::removed);
    }
    if (copy_.empty()) {
      describe(room_.at, room_.size, used);
      if (finish(room_.at, room_.span, room_.span, false, used)) {
        close_reservation();
        return answer(status::ok);
      }
      take_back();
    }
    // The reservation's place went to others; its bytes wait here for a new one.
    for (;;) {
      position p = 0;
      const std::uint32_t span = side_.slots().span_for(used);
      if (!claim(span, false, p)) {
        return answer(status::full);
      }
      write(p, {copy_.data(), used});
      if (finish(p, span, span, false, used)) {
        close_reservation();
        return answer(status::ok);
      }
      release_revoked(p);
    }
  }

  /// The reservation's end without a commit.
  void abort() noexcept {
    if (!open_) {
      return;
    }
    if (left_) {
      delete this;
      return;
    }
    if (self_->forked()) {
      open_ = false;
      return;
    }
    drop_reservation();
  }

  // ---- the handle

  /// The publisher is gone; what is left of this serves its reservation, to say so.
  void leave() noexcept {
    if (open_ && !self_->forked()) {
      drop_reservation();
      open_ = true;  // to be closed by the reservation's own end
    }
    if (!self_->forked()) {
      side_.leave_hint();
    }
    self_.reset();
    left_ = true;
    if (!open_) {
      delete this;
    }
  }

  [[nodiscard]] status last_status() const noexcept { return last_; }
  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }

 private:
  struct room {
    position at = 0;
    std::uint32_t span = 0;
    std::size_t size = 0;
  };

  status answer(status s) noexcept { return last_ = s; }

  void begin() {
    if (self_->forked()) [[unlikely]] {
      self_->fail_forked();
    }
    if (open_) [[unlikely]] {
      fail_open();
    }
  }

  [[noreturn, gnu::cold]] void fail_open() const {
    fail(errc::invalid_option, self_->queue().path().string(), "publishing",
         "a reservation of this publisher is open; commit or destroy it first");
  }

  void check_reservation() {
    if (left_ || !open_) {
      fail(errc::closed, "", "using a reservation",
           left_ ? "its publisher is gone" : "it is committed or aborted already");
    }
    if (self_->forked()) {
      self_->fail_forked();
    }
  }

  [[gnu::noinline, gnu::cold]] status enqueue_anew(std::span<const std::byte> bytes) {
    release_revoked(side_.revoked_at());
    return enqueue_now(bytes);
  }

  [[gnu::noinline]] status enqueue_now(std::span<const std::byte> bytes) {
    begin();
    if (bytes.size() > max_size_) {
      return answer(status::too_large);
    }
    const status s = enqueue_once(bytes);
    forget_stalls();
    return answer(s);
  }

  /// The message that was revoked is through, or given up.
  void forget_stalls() noexcept {
    if (stalls_ != 0) [[unlikely]] {
      stalls_ = 0;
      self_->record().revoked_in_a_row.store(0, std::memory_order_relaxed);
    }
  }

  /// False: full.
  bool claim(std::uint32_t span, bool batch, position& p) {
    switch (side_.claim(span, batch, p)) {
    case claim_result::claimed:
      return true;
    case claim_result::full:
      return false;
    case claim_result::corrupted:
      break;
    }
    self_->fail_corrupted("claiming slots");
  }

  [[nodiscard]] std::byte* place(position p, std::size_t size) const noexcept {
    return size <= slot<native_atomics>::inline_size ? side_.slots().at(p).inline_bytes
                                                     : side_.slots().block(p);
  }

  /// Says what a record holds: `used` bytes, in room for `size`.
  void describe(position p, std::size_t size, std::size_t used) const noexcept {
    const bool inside = size <= slot<native_atomics>::inline_size;
    side_.slots().at(p).shape.store(used | (inside ? 0 : shape::in_blocks),
                                    std::memory_order_relaxed);  // published by the commit
  }

  void write(position p, std::span<const std::byte> bytes) const noexcept {
    copy(place(p, bytes.size()), bytes.data(), bytes.size());
    describe(p, bytes.size(), bytes.size());
  }

  /// Commits and tells who sleeps. False: the claim had been revoked.
  bool finish(position p, std::uint32_t span, std::uint32_t first_span, bool batch,
              std::size_t bytes, std::uint32_t messages = 1) {
    switch (side_.commit(p, span, first_span, batch)) {
    case commit_result::committed:
      break;
    case commit_result::revoked:
      return false;
    case commit_result::corrupted:
      self_->fail_corrupted("committing");
    }
    forget_stalls();
    (void)published(messages, bytes);
    return true;
  }

  /// Counts, and wakes those who wait for a message. Always ok, for callers that end with it.
  status published(std::uint32_t messages, std::size_t bytes) noexcept {
    participant_record& mine = self_->record();
    count(mine.published, messages);
    count(mine.published_bytes, bytes);
    // A plain store may have been the commit. The sleeper's fence reaches into this process, so
    // only the compiler must not turn store and look around.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (self_->head().not_empty.anybody()) [[unlikely]] {
      return woken(messages);
    }
    return status::ok;
  }

  [[gnu::noinline, gnu::cold]] status woken(std::uint32_t messages) noexcept {
    wake_subscribers(*self_, messages);
    return status::ok;
  }

  [[gnu::cold]] void release_revoked(position p) {
    if (!side_.release_revoked(p)) {
      self_->fail_corrupted("releasing a revoked claim");
    }
    self_->record().revoked_in_a_row.store(++stalls_, std::memory_order_relaxed);
    wake_publishers(*self_);
  }

  status enqueue_once(std::span<const std::byte> bytes) {
    const std::uint32_t span = side_.slots().span_for(bytes.size());
    for (;;) {
      if (self_->removed()) [[unlikely]] {
        return status::removed;
      }
      position p = 0;
      if (!claim(span, false, p)) {
        return status::full;
      }
      write(p, bytes);
      if (finish(p, span, span, false, bytes.size())) {
        return status::ok;
      }
      release_revoked(p);
    }
  }

  status enqueue_together(std::span<const std::span<const std::byte>> messages,
                          std::uint32_t span) {
    const ring<native_atomics>& slots = side_.slots();
    for (;;) {
      if (self_->removed()) {
        return status::removed;
      }
      position first = 0;
      if (!claim(span, true, first)) {
        return status::full;
      }
      std::size_t bytes = 0;
      position p = first;
      for (const auto& m : messages) {
        const std::uint32_t its_span = slots.span_for(m.size());
        write(p, m);
        if (p != first) {
          side_.announce(p, its_span);
        }
        p += its_span;
        bytes += m.size();
      }
      if (finish(first, span, slots.span_for(messages.front().size()), true, bytes,
                 static_cast<std::uint32_t>(messages.size()))) {
        return status::ok;
      }
      release_revoked(first);
    }
  }

  status reserve_once(std::size_t size) {
    if (self_->removed()) {
      return status::removed;
    }
    const std::uint32_t span = side_.slots().span_for(size);
    position p = 0;
    if (!claim(span, false, p)) {
      return status::full;
    }
    room_ = {p, span, size};
    open_ = true;
    return status::ok;
  }

  /// The reservation's claim was revoked: keeps its bytes, gives its old place back.
  void take_back() {
    const std::byte* const from = place(room_.at, room_.size);
    copy_.assign(from, from + std::max<std::size_t>(room_.size, 1));
    release_revoked(room_.at);
  }

  void drop_reservation() noexcept {
    if (copy_.empty()) {
      // A failure means revoked, or memory that makes no sense, which the next call will find.
      if (side_.abort(room_.at, room_.span, false) == commit_result::revoked) {
        (void)side_.release_revoked(room_.at);
        wake_publishers(*self_);
      }
      // Messages behind the abandoned claim may be what somebody sleeps for.
      wake_subscribers(*self_, 1);
    }
    close_reservation();
  }

  void close_reservation() noexcept {
    open_ = false;
    copy_.clear();
  }

  template <class Attempt>
  status wait_for_room(steady_time deadline, const std::stop_token& stop, Attempt attempt) {
    return wait(
        publishers_of(*self_), self_->record(), deadline, stop, spin_, attempt,
        [] { return sleep_slice; },
        [this] {
          if (recover_all(self_->queue(), self_->leases(), self_->id())) {
            wake_subscribers(*self_, 1);
          }
        });
  }

  std::optional<participant> self_;
  publishing<native_atomics> side_;
  std::chrono::nanoseconds spin_;
  bool open_ = false;  // a reservation is
  bool left_ = false;  // the publisher has
  status last_ = status::ok;
  std::uint32_t stalls_ = 0;
  std::size_t max_size_;
  room room_;
  std::vector<std::byte> copy_;  // of a reservation that lost its place
};

}  // namespace detail

using detail::checked;

// ---- publisher

publisher::publisher(std::string_view name, const queue_options& options)
    : core_(new detail::publisher_core(name, options)) {}
publisher::publisher(publisher&&) noexcept = default;
publisher& publisher::operator=(publisher&&) noexcept = default;
publisher::~publisher() = default;

void publisher::release::operator()(detail::publisher_core* core) const noexcept {
  core->leave();
}

status publisher::try_enqueue(std::span<const std::byte> bytes) {
  return checked(core_.get(), "a publisher").try_enqueue(bytes);
}

status publisher::enqueue(std::span<const std::byte> bytes, std::stop_token stop) {
  return checked(core_.get(), "a publisher").enqueue_until(bytes, detail::steady_time::max(), stop);
}

status publisher::enqueue_for(std::span<const std::byte> bytes, std::chrono::nanoseconds time,
                              std::stop_token stop) {
  return checked(core_.get(), "a publisher")
      .enqueue_until(bytes, detail::deadline_after(time), stop);
}

status publisher::try_enqueue_batch(std::span<const std::span<const std::byte>> messages) {
  return checked(core_.get(), "a publisher").try_enqueue_batch(messages);
}

std::optional<reservation> publisher::try_reserve(std::size_t size) {
  auto& core = checked(core_.get(), "a publisher");
  return core.try_reserve(size) ? std::optional(reservation(core)) : std::nullopt;
}

std::optional<reservation> publisher::reserve(std::size_t size, std::stop_token stop) {
  auto& core = checked(core_.get(), "a publisher");
  return core.reserve_until(size, detail::steady_time::max(), stop)
             ? std::optional(reservation(core))
             : std::nullopt;
}

std::optional<reservation> publisher::reserve_for(std::size_t size, std::chrono::nanoseconds time,
                                                  std::stop_token stop) {
  auto& core = checked(core_.get(), "a publisher");
  return core.reserve_until(size, detail::deadline_after(time), stop)
             ? std::optional(reservation(core))
             : std::nullopt;
}

status publisher::last_status() const noexcept {
  return core_ != nullptr ? core_->last_status() : status::ok;
}

std::size_t publisher::max_message_size() const noexcept {
  return core_ != nullptr ? core_->max_size() : 0;
}

// ---- reservation

reservation::reservation(detail::publisher_core& core) noexcept : core_(&core) {}

reservation::reservation(reservation&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)) {}

reservation& reservation::operator=(reservation&& other) noexcept {
  if (this != &other) {
    reservation ended(std::move(*this));
    core_ = std::exchange(other.core_, nullptr);
  }
  return *this;
}

reservation::~reservation() {
  if (core_ != nullptr) {
    core_->abort();
  }
}

std::span<std::byte> reservation::bytes() {
  return checked(core_, "a reservation").reserved();
}

status reservation::commit() {
  return commit(bytes().size());
}

status reservation::commit(std::size_t used) {
  const status s = checked(core_, "a reservation").commit(used);
  if (s == status::ok || s == status::removed) {
    core_ = nullptr;
  }
  return s;
}

}  // namespace millrace
