// What a box and its inputs share: the queue, who waits for it, and how many inputs live.
//
// Waiting is arranged so that it costs nothing while nobody waits:
//
// SYNC (r) the receiver sleeps                   a sender, who closes, the last input, a stop
//      registers itself in receiver_             publishes a message, or what else it is
//      fence (seldom)                            fence (often)
//      looks for it; sleeps                      looks at receiver_; wakes whom it takes from there
//
// SYNC (s) a sender sleeps                       the receiver
//      joins the list, sets senders_wait_        sets a slot free
//      fence (seldom)                            fence (often)
//      looks for room; sleeps                    looks at senders_wait_; hands over
//
// In each pair at least one sees what the other did. Only the first sender of a list needs its
// fence: while the flag is set, which is as long as anybody is in the list, every look at it finds
// it set.
//
// SYNC (i) an input's last message -> drop_input's subtraction -> the receiver's load that finds 0
// SYNC (c) the queue's closing -> close's store to closing_ -> the receiver's load that finds it
//
// Room goes to those who waited longest: while the flag is set, others join the list and do not try
// for themselves, and the receiver moves a waiting message into the slot that it has just freed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>

#include <millrace/box/detail/alarm.hpp>
#include <millrace/box/detail/parking.hpp>
#include <millrace/box/detail/uneven_fence.hpp>
#include <millrace/box/detail/waiting_senders.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/core/status.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/detail/nothing.hpp>
#include <millrace/detail/spinning.hpp>
#include <millrace/detail/tail_guess.hpp>
#include <millrace/queue/growing_queue.hpp>
#include <millrace/queue/local_queue.hpp>

namespace millrace::detail {

/// What threads have in common, as a template argument like the atomics that it begins with.
struct native_threads : native_atomics {
  using mutex = std::mutex;
  using fence = uneven_fence;
};
/// In quiet boxes, which are to be small, and whose receivers sleep often.
struct quiet_threads : native_threads {
  using fence = even_fence;
  static constexpr std::size_t apart = alignof(void*);
};

template <class T, class Policy,
          class A = std::conditional_t<is_quiet<Policy>, quiet_threads, native_threads>>
class meeting {
  static constexpr bool bounded = Policy::bounded;
  static constexpr bool moves_safely = std::is_nothrow_move_constructible_v<T>;
  using queue_type = std::conditional_t<bounded, local_queue<T, A>, growing_queue<T, A>>;

 public:
  explicit meeting(const Policy& policy) requires bounded : policy_(policy), queue_(policy.limit) {}
  explicit meeting(const Policy& policy) requires(!bounded) : policy_(policy) {}

  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

  // --- senders

  /// ok: moved from `message`. full, closed: it is as it was.
  status try_send(T&& message) noexcept(moves_safely&& bounded) {
    tail_guess none;
    return try_send(std::move(message), none);
  }
  /// The same, for a sender that comes again.
  status try_send(T&& message, tail_guess& guess) noexcept(moves_safely&& bounded) {
    if constexpr (bounded) {
      if (senders_wait_.load(std::memory_order_relaxed)) {
        return status::full;
      }
    }
    return try_enqueue(std::move(message), guess);
  }

  /// Waits for room. timeout, cancelled, closed: `message` is as it was.
  [[gnu::noinline]] status send(T&& message, steady_time deadline,
                                const std::stop_token& stop) requires bounded {
    status s = try_send(std::move(message));
    if (s != status::full) {
      return s;
    }
    if (stop.stop_requested()) {
      return status::cancelled;
    }
    const auto sent = [&] { return (s = try_send(std::move(message))) != status::full; };
    if (spin_until(sent, spin_time, deadline, stop)) {
      return s;
    }
    parker bed;
    parked_thread me(bed);
    waiting_sender<T> mine{&message, &me};
    const stop_watch watch(stop, bed);
    if (!line_up(mine, stop)) {
      bed.sleep_until(deadline, [&] { return me.woken() || watch.stopped(); });
      const bool stopped = bed.is_set(watch.stopped());
      if (!step_out(mine, stopped ? status::cancelled : status::timeout)) {
        me.await_wake();
      }
    }
    return outcome(mine);
  }

  /// Puts a sender into the list. True: no need to wait, its outcome is there already. False: it
  /// will be woken, and may have gone on and be gone by now. Whom nothing could wake in time does
  /// not wait: it has timed out.
  [[nodiscard]] bool line_up(waiting_sender<T>& sender,
                             const std::stop_token& stop) noexcept requires bounded {
    sender_list<T> served;
    bool done = false;
    {
      const std::lock_guard lock(senders_.mutex);
      senders_.list.push_back(sender);
      sender.waits = true;
      if (!senders_wait_.load(std::memory_order_relaxed)) {
        senders_wait_.store(true, std::memory_order_relaxed);
        A::fence::seldom();  // SYNC (s)
      }
      serve(served);
      if (!sender.waits) {
        served.remove(sender);  // needs no waking
        done = true;
      } else if (stop.stop_requested()) {
        end(sender, status::cancelled);
        done = true;
      } else if (!alarm_.set(sender.deadline)) {
        end(sender, status::timeout);
        done = true;
      }
      // Under the lock: after it the sender may be gone, and with it the last who needs the box.
      wake_receiver();
    }
    served.wake_all();
    return done;
  }

  /// Ends a sender's waiting, unless that was done: then false, and it is being woken.
  [[nodiscard]] bool step_out(waiting_sender<T>& sender, status why) noexcept requires bounded {
    const std::lock_guard lock(senders_.mutex);
    if (sender.waits) {
      end(sender, why);
      return true;
    }
    return false;
  }
  [[nodiscard]] static status outcome(const waiting_sender<T>& sender) {
    if (sender.error) {
      std::rethrow_exception(sender.error);
    }
    return sender.result;
  }

  // --- the receiver

  /// ok, empty, or closed: empty, and nothing can come any more.
  status try_receive(std::optional<T>& to) noexcept(moves_safely) {
    return attempt([&] { return queue_.try_dequeue(to); });
  }
  /// The same, but leaves the message where it is.
  status look() noexcept {
    return attempt([&] { return queue_.ready(); });
  }

  [[gnu::noinline]] status receive(std::optional<T>& to, steady_time deadline,
                                   const std::stop_token& stop) {
    return await([&] { return try_receive(to); }, announced_here(), deadline, stop);
  }
  status await_message(steady_time deadline, const std::stop_token& stop) {
    return await([&] { return look(); }, announced_here(), deadline, stop);
  }

  /// From here on `me` is woken once by whoever changes what try_receive would find, unless it is
  /// withdrawn before. To be followed by another look.
  void announce(waiter& me) noexcept {
    receiver_.store(&me, std::memory_order_release);
    A::fence::seldom();  // SYNC (r)
  }
  /// False: somebody has taken `me` and wakes it, or has done so.
  [[nodiscard]] bool withdraw(waiter& me) noexcept {
    waiter* seen = &me;
    return receiver_.compare_exchange_strong(seen, nullptr, std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
  }

  /// A thread, announced for as long as this lives.
  class announcement {
   public:
    announcement(meeting& where, parker& bed) noexcept : where_(where), thread_(bed) {
      where_.announce(thread_);
    }
    announcement(const announcement&) = delete;
    announcement& operator=(const announcement&) = delete;
    ~announcement() {
      if (!where_.withdraw(thread_)) {
        thread_.await_wake();
      }
    }
    [[nodiscard]] bool woken() const noexcept { return thread_.woken(); }

   private:
    meeting& where_;
    parked_thread thread_;
  };

  /// Makes it look again: to be called after whatever it looks for has changed.
  void wake_receiver() noexcept {
    fence_.often();  // SYNC (r)
    if (receiver_.load(std::memory_order_relaxed) != nullptr) {
      take_and_wake();
    }
  }
  /// The same at this time, or earlier; false: see alarm.
  [[nodiscard]] bool wake_receiver_at(steady_time time) noexcept { return alarm_.set(time); }

  // --- both

  void close() noexcept {
    queue_.close();
    closing_.store(true, std::memory_order_release);  // SYNC (c)
    if constexpr (bounded) {
      sender_list<T> refused;
      {
        const std::lock_guard lock(senders_.mutex);
        serve(refused);
      }
      refused.wake_all();
    }
    wake_receiver();
  }
  [[nodiscard]] bool closed() const noexcept { return queue_.closed(); }

  /// Closes, and destroys what is in the box now, not when the last input goes: whoever has that
  /// may be waiting for a message's end.
  void receiver_leaves() noexcept {
    close();
    for (status s = status::ok; s != status::closed;) {
      try {
        auto message = nothing<T>();
        s = try_receive(message);
        if (s == status::empty) {
          std::this_thread::yield();  // somebody is in the middle of delivering
        }
      } catch (...) {  // that message is gone, too
      }
    }
  }

  // Relaxed: whoever adds one has another, or is the receiver.
  void add_input() noexcept { inputs_.fetch_add(1, std::memory_order_relaxed); }
  void drop_input() noexcept {
    if (inputs_.fetch_sub(1, std::memory_order_release) == 1) {  // SYNC (i)
      wake_receiver();
    }
  }

 private:
  [[nodiscard]] auto announced_here() noexcept {
    return [this](parker& bed) { return announcement(*this, bed); };
  }

  status try_enqueue(T&& message, tail_guess& guess) noexcept(moves_safely&& bounded) {
    if constexpr (moves_safely && bounded) {
      const status s = queue_.try_enqueue(std::move(message), guess);
      if (s == status::ok) {
        wake_receiver();
      }
      return s;
    } else {
      try {
        const status s = queue_.try_enqueue(std::move(message), guess);
        wake_receiver();
        return s;
      } catch (...) {
        wake_receiver();  // a pad, which the receiver clears away
        throw;
      }
    }
  }

  [[gnu::noinline]] void take_and_wake() noexcept {
    if (waiter* const w = receiver_.exchange(nullptr, std::memory_order_acq_rel)) {
      w->wake(*w);
    }
  }

  /// `once` says whether there is a message; it may set slots free in any case.
  template <class Once>
  status attempt(Once once) noexcept(moves_safely) {
    return once_and_hand_over(once) ? status::ok : found_nothing(once);
  }
  template <class Once>
  [[gnu::noinline]] status found_nothing(Once once) noexcept(moves_safely) {
    do {
      if (closing_.load(std::memory_order_acquire) && queue_.drained()) {  // SYNC (c)
        return status::closed;
      }
      if (inputs_.load(std::memory_order_acquire) != 0) {  // SYNC (i)
        return status::empty;
      }
      // No more can come; but the last input's last message may have, since we looked.
      if (!queue_.ready()) {
        return status::closed;
      }
    } while (!once_and_hand_over(once));
    return status::ok;
  }

  template <class Once>
  bool once_and_hand_over(Once once) noexcept(moves_safely) {
    if constexpr (!bounded) {
      return once();
    } else if constexpr (moves_safely) {
      const bool found = once();
      return hand_over() && !found ? once() : found;
    } else {
      try {
        bool found = once();
        // What was handed over may have thrown, and be nothing but room for others that wait.
        while (hand_over() && !found) {
          found = once();
        }
        return found;
      } catch (...) {
        hand_over();
        throw;
      }
    }
  }

  /// After slots were set free. Whether messages came into them.
  bool hand_over() noexcept requires bounded {
    fence_.often();  // SYNC (s)
    return senders_wait_.load(std::memory_order_relaxed) && serve_waiting();
  }
  [[gnu::noinline]] bool serve_waiting() noexcept requires bounded {
    sender_list<T> served;
    {
      const std::lock_guard lock(senders_.mutex);
      serve(served);
    }
    const bool any = !served.empty();
    served.wake_all();
    return any;
  }

  /// Moves waiting messages into the queue, as many as go, and their senders to `served`.
  /// REQUIRES: senders_.mutex.
  void serve(sender_list<T>& served) noexcept requires bounded {
    while (!senders_.list.empty()) {
      waiting_sender<T>& first = *senders_.list.first();
      status result = status::ok;
      try {
        result = queue_.try_enqueue(std::move(*first.message));
        if (result == status::full) {
          return;
        }
      } catch (...) {
        first.error = std::current_exception();
      }
      end(first, result);
      served.push_back(first);
    }
  }
  /// REQUIRES: senders_.mutex.
  void end(waiting_sender<T>& sender, status result) noexcept requires bounded {
    senders_.list.remove(sender);
    sender.waits = false;
    sender.result = result;
    if (senders_.list.empty()) {
      senders_wait_.store(false, std::memory_order_relaxed);
    }
  }

  /// When somebody's deadline may have come.
  void ring() noexcept {
    if constexpr (bounded) {
      sender_list<T> overdue;
      {
        const std::lock_guard lock(senders_.mutex);
        const auto now = std::chrono::steady_clock::now();
        for (waiting_sender<T>* s = senders_.list.first(); s != nullptr;) {
          waiting_sender<T>* const after = s->next;
          if (s->deadline <= now || !alarm_.set(s->deadline)) {
            end(*s, status::timeout);
            overdue.push_back(*s);
          }
          s = after;
        }
      }
      overdue.wake_all();
    }
    wake_receiver();  // which looks at the clock itself
  }

  // Read by everybody all the time, written when somebody begins or ends to wait.
  alignas(A::apart) typename A::template atomic<waiter*> receiver_{nullptr};
  typename A::template atomic<bool> senders_wait_{false};
  // That the queue is closed, for a receiver that looks again and again: looking at the queue's
  // tail would take that away from the senders.
  typename A::template atomic<bool> closing_{false};
  typename A::template atomic<std::uint32_t> inputs_{0};
  [[no_unique_address]] const typename A::fence fence_{};
  [[no_unique_address]] const Policy policy_;
  struct alignas(A::apart) waiting_list {
    typename A::mutex mutex;
    sender_list<T> list;
  };
  struct nobody {};  // there is always room
  [[no_unique_address]] std::conditional_t<bounded, waiting_list, nobody> senders_;
  queue_type queue_;
  // After all that it touches when it rings, as its end waits for that.
  alarm alarm_{[](void* self) noexcept { static_cast<meeting*>(self)->ring(); }, this};
};

}  // namespace millrace::detail
