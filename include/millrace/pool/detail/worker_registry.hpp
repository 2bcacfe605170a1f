// Who works in a pool. A worker lies where its coroutine or thread keeps it: the registry points at
// those that can be reached by their keys, and counts all that there were and that are gone.
//
//     enter ---- by its key ----> take_out, or leave ---> gone
//
// A worker is taken out or leaves before it is gone; so whoever finds one under the mutex may use
// it there. Whoever takes one out lets go of it at last: it need not lock the mutex to leave then,
// and threads that end workers do not meet there with one that starts them. Who must wait for room
// in its box, and cannot do that under the mutex, is its guest: it leaves only after its guests,
// who have no more to wait for, as it closes the box.
//
// SYNC (t) take's store to let_go_ -> leave's load that finds it      all that touched the worker
// SYNC (g) each fetch_add of gone_ -> the last one's -> stop, by the mutex      the workers' ends
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/detail/meeting.hpp>
#include <millrace/detail/adaptive_mutex.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/pool/detail/keyed_index.hpp>

namespace millrace::detail {

enum class entering {
  entered,
  key_exists,
  closed
};

/// Thread-safe.
template <pool_key Key, class Message, class Policy>
class worker_registry {
 public:
  using meeting = detail::meeting<Message, Policy>;

  class worker : public indexed<worker> {
   public:
    /// Of this key and box, which stay as long as it does.
    worker(const Key& k, meeting& b) : key(k), box(b) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    /// Leaves, and closes the box.
    ~worker() {
      if (registry_ != nullptr) {
        registry_->leave(*this);
      }
      box.receiver_leaves();
    }

    [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }

    const Key& key;
    meeting& box;

   private:
    friend worker_registry;
    worker_registry* registry_ = nullptr;  // which it has entered
    // By the registry, under its mutex.
    std::stop_source stop_;
    unsigned guests_ = 0;
    bool is_found_ = false;  // by its key; the registry is an input of the box as long as it is
    std::atomic<bool> let_go_ = false;  // by whoever took it out, and it has no guests
  };

  worker_registry() = default;
  worker_registry(const worker_registry&) = delete;
  worker_registry& operator=(const worker_registry&) = delete;

  /// Whoever has this is not gone until it is destroyed, once it has entered.
  class presence {
   public:
    presence() = default;
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() {
      if (in_ != nullptr) {
        in_->one_is_gone();
      }
    }

   private:
    friend worker_registry;
    worker_registry* in_ = nullptr;
  };

  /// Keeps a worker there that was found under the mutex, to which it is made; and its box open for
  /// whoever waits in it.
  class guest {
   public:
    guest(worker_registry& by, worker& of) noexcept : by_(by), of_(of), stop_(of.stop_token()) {
      ++of_.guests_;
      of_.box.add_input();
    }
    guest(const guest&) = delete;
    guest& operator=(const guest&) = delete;
    ~guest() {
      const std::lock_guard lock(by_.mutex_);
      of_.box.drop_input();
      if (--of_.guests_ == 0) {
        by_.changed_.notify_all();
      }
    }
    [[nodiscard]] worker& host() const noexcept { return of_; }
    [[nodiscard]] const std::stop_token& host_stops() const noexcept { return stop_; }

   private:
    worker_registry& by_;
    worker& of_;
    const std::stop_token stop_;
  };

  /// Whether the worker can be found from now on.
  [[nodiscard]] entering enter(worker& w, presence& of) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return entering::closed;
    }
    if (!by_key_.insert(w)) {
      return entering::key_exists;
    }
    ++entered_;
    of.in_ = this;
    w.registry_ = this;
    w.is_found_ = true;
    w.box.add_input();
    return entering::entered;
  }

  /// Calls use(worker) under the mutex. False: there is none.
  template <class Use>
  bool with(const Key& key, Use use) {
    const std::lock_guard lock(mutex_);
    worker* const w = by_key_.find(key);
    if (w == nullptr) {
      return false;
    }
    use(*w);
    return true;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return by_key_.size();
  }

  /// What is left to do outside the mutex is to ask the worker to stop.
  [[nodiscard]] std::optional<std::stop_source> take_out(const Key& key) {
    const std::lock_guard lock(mutex_);
    return take(by_key_.find(key));
  }
  /// The same, unless that was done. REQUIRES: it stays meanwhile.
  [[nodiscard]] std::optional<std::stop_source> take_out(worker& w) {
    const std::lock_guard lock(mutex_);
    return take(w.is_found_ ? &w : nullptr);
  }
  [[nodiscard]] std::optional<std::stop_source> take_any_out() {
    const std::lock_guard lock(mutex_);
    return take(by_key_.any());
  }

  /// Nobody enters any more.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      closed_ = true;
      // From here on it counts up to 0.
      all_are_gone_ = gone_.fetch_sub(entered_, std::memory_order_acq_rel) == entered_;  // SYNC (g)
    }
  }
  /// REQUIRES: closed.
  void wait_until_all_are_gone() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return all_are_gone_; });
  }

 private:
  /// Its box ends behind what was delivered.
  [[nodiscard]] std::optional<std::stop_source> take(worker* w) {
    if (w == nullptr) {
      return std::nullopt;
    }
    by_key_.erase(*w);
    w->is_found_ = false;
    std::optional<std::stop_source> stop(std::move(w->stop_));
    w->box.drop_input();
    if (w->guests_ == 0) {
      w->let_go_.store(true, std::memory_order_release);  // SYNC (t): it may be gone now
    }
    return stop;
  }
  void leave(worker& w) noexcept {
    if (w.let_go_.load(std::memory_order_acquire)) {  // SYNC (t)
      return;
    }
    std::unique_lock lock(mutex_);
    if (w.is_found_) {
      (void)take(&w);
    }
    if (w.guests_ > 0) {
      w.box.close();
      changed_.wait(lock, [&w] { return w.guests_ == 0; });
    }
  }
  void one_is_gone() noexcept {
    if (gone_.fetch_add(1, std::memory_order_acq_rel) == -1) {  // SYNC (g)
      const std::lock_guard lock(mutex_);
      all_are_gone_ = true;
      changed_.notify_all();  // under the lock: after it the registry may be gone
    }
  }

  mutable adaptive_mutex mutex_;
  std::condition_variable_any changed_;
  keyed_index<Key, worker> by_key_;
  std::int64_t entered_ = 0;
  bool closed_ = false;
  bool all_are_gone_ = false;
  // How many are gone; when closed, less those that have entered. Written where workers end, and
  // so apart from what those who start them write.
  alignas(native_atomics::apart) std::atomic<std::int64_t> gone_ = 0;
};

}  // namespace millrace::detail
