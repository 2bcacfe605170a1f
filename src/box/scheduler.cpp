// What is ready lies in the lanes of jobs, or was fed by other threads and is in no lane yet:
//
//     push, another thread ----> fed_ ----> a lane ----> goes on
//     push, in a job's coroutine ---------> that one's lane, behind what was fed
//
// fed_ is a stack, newest first, of which any job takes all at once and turns it round. So nobody
// who feeds it touches anything else, and nothing after that: what is ready may go on at once and
// be what keeps the queue.
//
// One job at most attends: it has been posted and not begun, or has nothing to go on with and looks
// for something. It hands that over before it goes on with a coroutine: to another job that it
// posts, if anything is ready; else nobody attends, which fed_ says. Where nobody attends
//  (1) another thread that pushes posts a job before it feeds
//  (2) a job's coroutine that pushes posts one after it has pushed, for others to steal
//
// SYNC (f) push's exchange of fed_ -> take_fed's exchange that finds it      what it was fed
// SYNC (m) ask_for_help, under the mutex -> a job's beginning, under the mutex
//          the posting is over, and fed_ says that somebody attends
// SYNC (h) a push into a lane: any_, then looks at fed_
//          a job that resigns: fed_, then looks at any_ of all lanes
//          All four are sequentially consistent, so that one of them sees what the other did.
#include <millrace/box/scheduler.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include <millrace/detail/atomics.hpp>
#include <millrace/detail/spinning.hpp>

namespace millrace::detail {

namespace {

constexpr int resumptions_in_a_row = 256;
constexpr int stolen_at_once = 16;

/// Stands in fed_ where nobody attends.
constinit resumable unattended{nullptr};

}  // namespace

/// Thread-safe. Jobs have one each; were there more of them, they would share.
class alignas(native_atomics::apart) ready_queue::lane {
 public:
  lane() noexcept { ends_.next = ends_.previous = &ends_; }
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  ~lane() = default;

  [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_seq_cst); }

  /// Behind all that is ready.
  void push(resumable& r, ready_queue& fed) noexcept {
    const std::lock_guard lock(mutex_);
    take(fed.take_fed());
    insert_before(ends_, r);
    any_.store(true, std::memory_order_seq_cst);  // SYNC (h)
  }
  [[nodiscard]] resumable* pop(ready_queue& fed) noexcept {
    const std::lock_guard lock(mutex_);
    if (empty()) {
      take(fed.take_fed());
      if (empty()) {
        return nullptr;
      }
    }
    resumable* const r = ends_.next;
    native_atomics::prefetch_to_write(r->next);  // comes from memory meanwhile
    unlink(*r);
    look_again();
    return r;
  }
  /// The older half, or some of it. What is stolen is in neither lane for a moment.
  void steal_from(lane& other) noexcept {
    resumable* stolen = nullptr;  // newest first, as what was fed
    {
      const std::lock_guard lock(other.mutex_);
      const resumable* twice_as_far = other.ends_.next;
      for (int n = 0; n < stolen_at_once && twice_as_far != &other.ends_; ++n) {
        for (int i = 0; i < 2 && twice_as_far != &other.ends_; ++i) {
          twice_as_far = twice_as_far->next;
        }
        resumable* const r = other.ends_.next;
        unlink(*r);
        r->next = std::exchange(stolen, r);
      }
      other.look_again();
    }
    const std::lock_guard lock(mutex_);
    take(stolen);
  }

  // For remove, which has locked all lanes.
  void lock() { mutex_.lock(); }
  void unlock() noexcept { mutex_.unlock(); }
  void take(resumable* newest) noexcept {
    for (resumable* at = &ends_; newest != nullptr;) {
      resumable* const older = newest->next;
      insert_before(*at, *newest);
      at = newest;
      newest = older;
    }
    look_again();
  }
  static void unlink(resumable& r) noexcept {
    r.previous->next = r.next;
    r.next->previous = r.previous;
    r.previous = nullptr;
  }
  void look_again() noexcept { any_.store(!empty(), std::memory_order_relaxed); }

  int jobs = 0;  // that have this one; under the queue's mutex

 private:
  [[nodiscard]] bool empty() const noexcept { return ends_.next == &ends_; }
  static void insert_before(resumable& at, resumable& r) noexcept {
    r.next = &at;
    r.previous = at.previous;
    r.previous->next = &r;
    at.previous = &r;
  }

  adaptive_mutex mutex_;
  resumable ends_{nullptr};  // before the first and behind the last
  std::atomic<bool> any_ = false;
};

struct ready_queue::lanes : std::array<lane, 8> {};

namespace {

/// The queue whose job this thread does, and the job's lane.
struct place {
  const void* queue;
  void* lane;
};
constinit thread_local place works_at{};

}  // namespace

ready_queue::ready_queue() : fed_(&unattended), lanes_(std::make_unique<lanes>()) {}
ready_queue::~ready_queue() = default;

void ready_queue::push(resumable& r) {
  if (works_at.queue == this) {
    static_cast<lane*>(works_at.lane)->push(r, *this);
    if (fed_.load(std::memory_order_seq_cst) == &unattended) {  // SYNC (h)
      (void)try_ask_for_help();  // (2); where it is refused, this job goes on with all
    }
    return;
  }
  for (resumable* newest = fed_.load(std::memory_order_relaxed);;) {
    if (newest == &unattended) {
      ask_for_help();  // (1)
      newest = nullptr;
    }
    r.next = newest;
    if (fed_.compare_exchange_weak(newest, &r, std::memory_order_release,
                                   std::memory_order_relaxed)) {  // SYNC (f)
      return;
    }
  }
}

bool ready_queue::remove(resumable& r) noexcept {
  const std::lock_guard lock(mutex_);
  for (lane& each : *lanes_) {
    each.lock();
  }
  lanes_->front().take(take_fed());
  const bool here = r.previous != nullptr;
  if (here) {
    lane::unlink(r);
  }
  for (lane& each : *lanes_) {
    each.look_again();
    each.unlock();
  }
  return here;
}

/// All of it, newest first.
resumable* ready_queue::take_fed() noexcept {
  resumable* newest = fed_.load(std::memory_order_relaxed);
  while (newest != nullptr && newest != &unattended) {
    if (fed_.compare_exchange_weak(newest, nullptr, std::memory_order_acquire,
                                   std::memory_order_relaxed)) {  // SYNC (f)
      fed_lately_.store(true, std::memory_order_relaxed);
      return newest;
    }
  }
  return nullptr;
}

bool ready_queue::any_fed() const noexcept {
  const resumable* const newest = fed_.load(std::memory_order_relaxed);
  return newest != nullptr && newest != &unattended;
}
bool ready_queue::any_in_lanes() const noexcept {
  return std::ranges::any_of(*lanes_, [](const lane& each) { return each.any(); });
}

/// Unless another one attends.
void ready_queue::ask_for_help() {
  const std::lock_guard lock(mutex_);
  if (fed_.load(std::memory_order_relaxed) == &unattended) {
    post_work();
    fed_.store(nullptr, std::memory_order_relaxed);
  }
}
/// False: the executor throws. Not the matter of any coroutine, as a job goes on with them all.
bool ready_queue::try_ask_for_help() noexcept {
  try {
    ask_for_help();
    return true;
  } catch (...) {
    return false;
  }
}
/// The same as whoever attends.
bool ready_queue::hand_over() noexcept {
  try {
    post_work();
    return true;
  } catch (...) {
    return false;
  }
}
bool ready_queue::try_attend() noexcept {
  const std::lock_guard lock(mutex_);
  resumable* seen = &unattended;
  return fed_.compare_exchange_strong(seen, nullptr, std::memory_order_relaxed);
}
/// As whoever attends. False: something is ready, and nobody else attends.
bool ready_queue::try_resign() noexcept {
  resumable* seen = nullptr;
  return fed_.compare_exchange_strong(seen, &unattended, std::memory_order_seq_cst) &&
         (!any_in_lanes() || !try_attend());  // SYNC (h)
}

/// A job ends where there is nothing to do, and it costs microseconds to begin another. So it looks
/// for more before, if there may be some soon: where other threads have fed it.
bool ready_queue::look_for_more() {
  return fed_lately_.exchange(false, std::memory_order_relaxed) &&
         yield_until([this] { return any_fed() || any_in_lanes(); });
}

resumable* ready_queue::find_ready(lane& mine) noexcept {
  resumable* r = mine.pop(*this);
  for (auto other = lanes_->begin(); r == nullptr && other != lanes_->end(); ++other) {
    if (other->any()) {
      mine.steal_from(*other);
      r = mine.pop(*this);
    }
  }
  return r;
}

/// While a job works, the thread works at its lane.
class ready_queue::job {
 public:
  explicit job(ready_queue& of) : of_(of), mine_(of.begin()), before_(works_at) {
    works_at = {&of, &mine_};
  }
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  ~job() {
    works_at = before_;
    const std::lock_guard lock(of_.mutex_);
    --mine_.jobs;
  }
  [[nodiscard]] lane& own_lane() const noexcept { return mine_; }

 private:
  ready_queue& of_;
  lane& mine_;
  const place before_;
};
ready_queue::lane& ready_queue::begin() {
  const std::lock_guard lock(mutex_);  // SYNC (m)
  lane& free = *std::ranges::min_element(*lanes_, {}, &lane::jobs);
  ++free.jobs;
  return free;
}

void ready_queue::work() {
  const job here(*this);
  lane& mine = here.own_lane();
  bool attends = true;
  for (int i = 0;; ++i) {
    if (i >= resumptions_in_a_row && (mine.any() || any_fed())) {
      if (attends ? hand_over() : try_ask_for_help()) {
        return;
      }
      i = 0;  // nobody else would go on
    }
    resumable* const r = find_ready(mine);
    if (r != nullptr) {
      if (attends) {
        attends = !(!mine.any() && try_resign()) && !hand_over();
      } else if (mine.any() && fed_.load(std::memory_order_relaxed) == &unattended) {
        (void)try_ask_for_help();
      }
      operations_left = operations_in_a_row;
      r->go_on(*r);
    } else if (!attends && !try_attend()) {
      return;
    } else {
      attends = look_for_more() || !try_resign();
      if (!attends) {
        return;
      }
    }
  }
}

}  // namespace millrace::detail
