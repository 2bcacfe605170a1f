// Recovery: who died, and what they left.
#include "queue/recovery.hpp"

#include <algorithm>

#include <millrace/detail/recovering.hpp>

#include "queue/incidents.hpp"
#include "queue/waiting.hpp"

namespace millrace::detail {

void clean_up_after(const segment& queue, std::uint32_t dead) noexcept {
  participant_record& record = queue.participant(dead);
  if (record.asleep.exchange(0, std::memory_order_relaxed) != 0) {
    // It died in its sleep, or next to it: nobody else would take its announcement away.
    const bool published = record.publishes.load(std::memory_order_relaxed) != 0;
    (void)(published ? queue.head().not_full : queue.head().not_empty).take_one();
  }
  hands found;
  recover(queue.ring(), dead, queue.once(), [&](state was) {
    if (was == state::claimed) {
      count(record.abandoned);
      ++found.abandoned;
    } else {
      ++(queue.once() ? found.dropped : found.orphaned);
    }
  });
  // The words first, then the epoch that makes subscribers look for them, then the flag: a
  // recoverer that dies before the last leaves the next one to do it all again, which does no harm.
  queue.head().events.fetch_add(1, std::memory_order_seq_cst);
  record.dirty.store(0, std::memory_order_release);
  count(record.recoveries);
  note(queue.head().deaths, dead, record, found);
}

void note_revocation(const segment& queue, std::uint32_t owner) noexcept {
  note(queue.head().revocations, owner, queue.participant(owner), {});
}

bool recover_if_dead(const segment& queue, os::lease_file& leases, std::uint32_t self,
                     std::uint32_t suspect) {
  if (suspect == self || suspect >= table_size || !leases.try_lock(suspect)) {
    return false;
  }
  const bool dead = queue.participant(suspect).dirty.load(std::memory_order_acquire) != 0;
  if (dead) {
    clean_up_after(queue, suspect);
  }
  leases.unlock(suspect);
  return dead;
}

bool recover_all(const segment& queue, os::lease_file& leases, std::uint32_t self) {
  bool any = false;
  for (std::uint32_t i = 0; i < table_size; ++i) {
    if (queue.participant(i).dirty.load(std::memory_order_acquire) != 0) {
      any = recover_if_dead(queue, leases, self, i) || any;
    }
  }
  return any;
}

watch::watch(participant& self)
    : self_(&self), seen_(table_size),
      // A look reads a cache line a slot, which this keeps at a few hundredths of the time up to
      // some hundred thousand slots.
      period_(std::min<std::chrono::nanoseconds>(std::chrono::milliseconds(2) +
                                                     std::chrono::nanoseconds(500) *
                                                         self.queue().sizes().slots(),
                                                 std::chrono::milliseconds(50))),
      due_(std::chrono::steady_clock::now() + period_) {}

bool watch::look_if_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < due_) {
    return false;
  }
  const bool any = look();
  due_ = std::chrono::steady_clock::now() + period_;
  return any;
}

bool watch::look() {
  const segment& queue = self_->queue();
  const auto ring = queue.ring();
  const std::uint32_t self = self_->id();
  bool any = false;
  bool orphan = false;
  for (position p = 0; p < ring.size(); ++p) {
    const word w = ring.load(p);
    orphan = orphan || w.is(state::orphan);
    if (!w.owned() || w.owner() == self || w.owner() >= table_size) {
      continue;
    }
    holding& h = seen_[w.owner()];
    if (h.word == w.bits && h.at == p) {
      any = recover_if_dead(queue, self_->leases(), self, w.owner()) || any;
    } else if (ring.load(h.at).bits != h.word) {
      h = {w.bits, p};
    }
  }
  if (any) {
    wake_subscribers(*self_, 1);
    wake_publishers(*self_);
  }
  return any || orphan;
}

}  // namespace millrace::detail
