#include <millrace/box/scheduler.hpp>

#include <millrace/detail/atomics.hpp>

namespace millrace::detail {

void ready_queue::push(resumable& r) {
  // All under the lock: nobody goes on with it before the executor was told, as its coroutine may
  // be what keeps the executor, and this.
  const std::lock_guard lock(mutex_);
  if (!posted_) {
    post_work();
    posted_ = true;
  }
  r.next = nullptr;
  r.previous = std::exchange(last_, &r);
  (r.previous != nullptr ? r.previous->next : first_) = &r;
}

void ready_queue::unlink(resumable& r) noexcept {
  (r.previous != nullptr ? r.previous->next : first_) = r.next;
  (r.next != nullptr ? r.next->previous : last_) = r.previous;
  r.previous = &r;
}

bool ready_queue::remove(resumable& r) noexcept {
  const std::lock_guard lock(mutex_);
  const bool here = r.queued();
  if (here) {
    unlink(r);
  }
  return here;
}

void ready_queue::work() {
  constexpr int resumptions_in_a_row = 256;
  std::unique_lock lock(mutex_);
  posted_ = false;
  for (int i = 0; first_ != nullptr; ++i) {
    resumable* const r = i < resumptions_in_a_row ? first_ : nullptr;
    if (r != nullptr) {
      unlink(*r);
    }
    const bool post = first_ != nullptr && !std::exchange(posted_, true);
    native_atomics::prefetch_to_write(first_);  // comes from memory while this one runs
    lock.unlock();
    if (post) {
      post_work();
    }
    if (r == nullptr) {
      return;
    }
    operations_left = operations_in_a_row;
    r->go_on(*r);
    lock.lock();
  }
}

}  // namespace millrace::detail
