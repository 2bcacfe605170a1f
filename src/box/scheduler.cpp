#include <millrace/box/scheduler.hpp>

namespace millrace::detail {

void ready_queue::push(resumable& r) {
  bool post = false;
  {
    const std::lock_guard lock(mutex_);
    r.next = nullptr;
    r.previous = std::exchange(last_, &r);
    (r.previous != nullptr ? r.previous->next : first_) = &r;
    r.queued = true;
    post = !std::exchange(posted_, true);
  }
  if (post) {
    post_work();
  }
}

void ready_queue::unlink(resumable& r) noexcept {
  (r.previous != nullptr ? r.previous->next : first_) = r.next;
  (r.next != nullptr ? r.next->previous : last_) = r.previous;
  r.queued = false;
}

bool ready_queue::remove(resumable& r) noexcept {
  const std::lock_guard lock(mutex_);
  const bool here = r.queued;
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
