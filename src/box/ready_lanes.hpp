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
//  (3) so does a job that stole, or took what was fed, and goes on with the first of several; and
//      whoever takes out one that is not to go on, as it moves what was fed into a lane
//
// SYNC (f) push's exchange of fed_ -> take_fed's exchange that finds it      what it was fed
// SYNC (m) ask_for_help, under the mutex -> a job's beginning, under the mutex
//          the posting is over, and fed_ says that somebody attends
// SYNC (h) (2) and (3), whatever comes into a lane: any_, then looks at fed_
//          a job that resigns: fed_, then looks at any_ of all lanes
//          All four are sequentially consistent, so that one of them sees what the other did.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include <millrace/box/scheduler.hpp>

namespace millrace::detail {

/// `A`: atomics and mutex. `Host`: how jobs are posted, and how many things are.
template <class A, class Host>
class ready_lanes {
 public:
  /// Thread-safe. Jobs have one each; were there more of them, they would share.
  class alignas(A::apart) lane {
   public:
    lane() noexcept { ends_.next = ends_.previous = &ends_; }
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;
    ~lane() = default;

   private:
    friend ready_lanes;

    [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_seq_cst); }

    /// Behind all that is ready.
    void push(resumable& r, ready_lanes& fed) noexcept {
      const std::lock_guard lock(mutex_);
      take(fed.take_fed());
      insert_before(ends_, r);
      look_again();
    }
    [[nodiscard]] resumable* pop(ready_lanes& fed) noexcept {
      const std::lock_guard lock(mutex_);
      if (empty()) {
        take(fed.take_fed());
        if (empty()) {
          return nullptr;
        }
      }
      resumable* const r = ends_.next;
      A::prefetch_to_write(r->next);  // comes from memory meanwhile
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

    void take(resumable* newest) noexcept {
      for (resumable* at = &ends_; newest != nullptr;) {
        resumable* const older = newest->next;
        insert_before(*at, *newest);
        at = newest;
        newest = older;
      }
      look_again();
    }
    void look_again() noexcept {
      if (any_.load(std::memory_order_relaxed) == empty()) {
        any_.store(!empty(), std::memory_order_seq_cst);  // SYNC (h)
      }
    }
    [[nodiscard]] bool empty() const noexcept { return ends_.next == &ends_; }
    static void insert_before(resumable& at, resumable& r) noexcept {
      r.next = &at;
      r.previous = at.previous;
      r.previous->next = &r;
      at.previous = &r;
    }
    static void unlink(resumable& r) noexcept {
      r.previous->next = r.next;
      r.next->previous = r.previous;
      r.previous = nullptr;
    }

    typename A::mutex mutex_;
    resumable ends_{nullptr};  // before the first and behind the last
    typename A::template atomic<bool> any_ = false;
    int jobs_ = 0;  // that have this one; under the queue's mutex
  };

  /// What a thread works at.
  class job {
   public:
    explicit job(ready_lanes& of) : of_(of), lane_(of.begin()) {}
    job(const job&) = delete;
    job& operator=(const job&) = delete;
    ~job() {
      const std::lock_guard lock(of_.mutex_);
      --lane_.jobs_;
    }
    [[nodiscard]] lane& own_lane() const noexcept { return lane_; }

   private:
    ready_lanes& of_;
    lane& lane_;
  };

  explicit ready_lanes(Host& host) : host_(host) {}

  /// By a coroutine that goes on at this lane.
  void push(resumable& r, lane& here) {
    here.push(r, *this);
    if (!attended()) {
      (void)try_ask_for_help();  // (2); where it is refused, this job goes on with all
    }
  }
  /// By anybody else.
  void feed(resumable& r) {
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
  /// Takes one out that is not to go on any more. False: it is not in here.
  [[nodiscard]] bool remove(resumable& r) noexcept {
    const std::lock_guard lock(mutex_);
    for (lane& each : lanes_) {
      each.mutex_.lock();
    }
    lanes_.front().take(take_fed());
    const bool here = r.previous != nullptr;
    if (here) {
      lane::unlink(r);
    }
    for (lane& each : lanes_) {
      each.look_again();
      each.mutex_.unlock();
    }
    if (any_in_lanes() && !attended()) {  // (3)
      post_attending_job();
    }
    return here;
  }

  /// A job that was posted: goes on with what is ready, but not for ever.
  void work(const job& at) {
    lane& mine = at.own_lane();
    bool attends = true;
    bool went_on = false;  // with one, just now
    for (int i = 0;; ++i) {
      if (i >= Host::resumptions_in_a_row && (mine.any() || any_fed())) {
        if (attends ? hand_over() : try_ask_for_help()) {
          return;
        }
        i = 0;  // nobody else would go on
      }
      if (std::exchange(went_on, false) && !mine.any() && any_fed()) {
        let_more_come();
      }
      resumable* const r = find_ready(mine);
      if (r != nullptr) {
        if (attends) {
          attends = !(!mine.any() && try_resign()) && !hand_over();
        } else if (mine.any() && !attended()) {
          (void)try_ask_for_help();  // (3)
        }
        host_.before_each();
        r->go_on(*r);
        went_on = true;
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

 private:
  static constexpr int stolen_at_once = 16;

  /// Stands in fed_ where nobody attends.
  static inline constinit resumable unattended{nullptr};

  /// All of it, newest first.
  [[nodiscard]] resumable* take_fed() noexcept {
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

  [[nodiscard]] bool any_fed() const noexcept {
    const resumable* const newest = fed_.load(std::memory_order_relaxed);
    return newest != nullptr && newest != &unattended;
  }
  [[nodiscard]] bool any_in_lanes() const noexcept {
    return std::ranges::any_of(lanes_, [](const lane& each) { return each.any(); });
  }

  [[nodiscard]] bool attended() const noexcept {
    return fed_.load(std::memory_order_seq_cst) != &unattended;  // SYNC (h)
  }
  /// Unless another one attends.
  void ask_for_help() {
    const std::lock_guard lock(mutex_);
    if (!attended()) {
      post_attending_job();
    }
  }
  /// REQUIRES: nobody attends, and the mutex is locked.
  void post_attending_job() {
    host_.post_job();
    fed_.store(nullptr, std::memory_order_relaxed);
  }
  /// False: the executor throws. Not the matter of any coroutine, as a job goes on with them all.
  bool try_ask_for_help() noexcept {
    try {
      ask_for_help();
      return true;
    } catch (...) {
      return false;
    }
  }
  /// The same as whoever attends.
  [[nodiscard]] bool hand_over() noexcept {
    try {
      host_.post_job();
      return true;
    } catch (...) {
      return false;
    }
  }
  [[nodiscard]] bool try_attend() noexcept {
    const std::lock_guard lock(mutex_);
    resumable* seen = &unattended;
    return fed_.compare_exchange_strong(seen, nullptr, std::memory_order_relaxed,
                                        std::memory_order_relaxed);
  }
  /// As whoever attends. False: something is ready, and nobody else attends.
  [[nodiscard]] bool try_resign() noexcept {
    resumable* seen = nullptr;
    return fed_.compare_exchange_strong(seen, &unattended, std::memory_order_seq_cst,
                                        std::memory_order_relaxed) &&
           (!any_in_lanes() || !try_attend());  // SYNC (h)
  }

  /// A job ends where there is nothing to do, and it costs microseconds to begin another. So it
  /// looks for more before, if there may be some soon: where other threads have fed it.
  [[nodiscard]] bool look_for_more() {
    return fed_lately_.exchange(false, std::memory_order_relaxed) &&
           host_.wait_briefly([this] { return any_fed() || any_in_lanes(); });
  }

  /// Who feeds while this job is busy does not wait for what it does, and most often feeds more. To
  /// take that one by one is to fetch from the other's cache what that is about to write again,
  /// which costs both more than going on with it. So the job lets more come, as long as it does.
  /// (Relaxed, as nothing is read through it: it only shows whether more came.)
  void let_more_come() const noexcept {
    bool came = true;
    for (int i = 0; i < Host::waits_for_more && came; ++i) {
      const resumable* const newest = fed_.load(std::memory_order_relaxed);
      Host::wait_for_more();
      came = fed_.load(std::memory_order_relaxed) != newest;
    }
  }

  [[nodiscard]] resumable* find_ready(lane& mine) noexcept {
    resumable* r = mine.pop(*this);
    for (auto other = lanes_.begin(); r == nullptr && other != lanes_.end(); ++other) {
      if (other->any()) {
        mine.steal_from(*other);
        r = mine.pop(*this);
      }
    }
    return r;
  }

  [[nodiscard]] lane& begin() {
    const std::lock_guard lock(mutex_);  // SYNC (m)
    lane& free = *std::ranges::min_element(lanes_, {}, &lane::jobs_);
    ++free.jobs_;
    return free;
  }

  Host& host_;
  // Written by all threads that feed it; the rest, by the jobs.
  alignas(A::apart) typename A::template atomic<resumable*> fed_ = &unattended;
  alignas(A::apart) typename A::template atomic<bool> fed_lately_ = false;
  typename A::mutex mutex_;
  std::array<lane, Host::lanes> lanes_;
};

}  // namespace millrace::detail
