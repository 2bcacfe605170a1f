#include <millrace/box/scheduler.hpp>

#include <millrace/detail/atomics.hpp>
#include <millrace/detail/spinning.hpp>

namespace millrace::detail {

namespace {

/// Whose job this thread does.
constinit thread_local const ready_queue* works_on = nullptr;

}  // namespace

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
  if (r.previous != nullptr) {
    r.previous->next = &r;
  } else {
    first_.store(&r, std::memory_order_relaxed);
  }
  fed_ = fed_ || works_on != this;
}

void ready_queue::unlink(resumable& r) noexcept {
  if (r.previous != nullptr) {
    r.previous->next = r.next;
  } else {
    first_.store(r.next, std::memory_order_relaxed);
  }
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

/// A job ends where there is nothing to do, and it costs microseconds to begin another. So it looks
/// for more before, if there may be some soon: where other threads have fed it.
bool ready_queue::look_for_more(std::unique_lock<adaptive_mutex>& lock) {
  if (posted_ || !std::exchange(fed_, false)) {
    return false;
  }
  posted_ = true;
  lock.unlock();
  (void)yield_until([this] { return first_.load(std::memory_order_relaxed) != nullptr; });
  lock.lock();
  posted_ = false;
  return first_ != nullptr;
}

/// False: the executor throws. Not the matter of any coroutine, as this job goes on with them all.
bool ready_queue::post_help() noexcept {
  try {
    post_work();
    return true;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    posted_ = false;
    return false;
  }
}

void ready_queue::work() {
  constexpr int resumptions_in_a_row = 256;
  std::unique_lock lock(mutex_);
  posted_ = false;
  works_on = this;
  for (int i = 0; first_ != nullptr || look_for_more(lock); ++i) {
    resumable* const r = i < resumptions_in_a_row ? first_.load() : nullptr;
    if (r != nullptr) {
      unlink(*r);
    }
    const bool post = first_ != nullptr && !std::exchange(posted_, true);
    native_atomics::prefetch_to_write(first_);  // comes from memory meanwhile
    lock.unlock();
    const bool refused = post && !post_help();
    if (r != nullptr) {
      operations_left = operations_in_a_row;
      r->go_on(*r);
    } else if (refused) {
      i = -1;  // nobody else would go on
    } else {
      break;
    }
    lock.lock();
  }
  works_on = nullptr;
}

}  // namespace millrace::detail
