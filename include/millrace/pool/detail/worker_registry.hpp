// Who works in a pool. A worker lies where its coroutine or thread keeps it: the registry points at
// those that can be reached by their keys, and counts all there are.
//
//     count ---> enter ---- by its key ----> take_out, or leave ---> gone
//     counted ----------------------------------------------------> not counted
//
// A worker is taken out or leaves before it is gone; so whoever finds one under the mutex may use
// it there. Who must wait for room in its box, and cannot do that under the mutex, is its guest: it
// leaves only after its guests, who have no more to wait for, as it closes the box.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/detail/meeting.hpp>
#include <millrace/detail/adaptive_mutex.hpp>
#include <millrace/pool/detail/keyed_map.hpp>

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

  class worker {
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

    const Key& key;
    meeting& box;
    std::stop_source stop;

   private:
    friend worker_registry;
    worker_registry* registry_ = nullptr;  // which it has entered
    // By the registry, under its mutex.
    unsigned guests_ = 0;
    bool is_found_ = false;  // by its key; the registry is an input of the box as long as it is
  };

  worker_registry() = default;
  worker_registry(const worker_registry&) = delete;
  worker_registry& operator=(const worker_registry&) = delete;

  /// Counts whoever has this, until it is destroyed.
  class counted {
   public:
    explicit counted(worker_registry& by) : by_(by) {
      const std::lock_guard lock(by_.mutex_);
      ++by_.counted_;
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() {
      const std::lock_guard lock(by_.mutex_);
      if (--by_.counted_ == 0) {
        by_.changed_.notify_all();  // under the lock: after it the registry may be gone
      }
    }

   private:
    worker_registry& by_;
  };

  /// Keeps a worker there that was found under the mutex, to which it is made; and its box open for
  /// whoever waits in it.
  class guest {
   public:
    guest(worker_registry& by, worker& of) noexcept : by_(by), of_(of) {
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

   private:
    worker_registry& by_;
    worker& of_;
  };

  /// Whether the worker can be found from now on.
  [[nodiscard]] entering enter(worker& w) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return entering::closed;
    }
    if (!by_key_.emplace(w.key, &w).second) {
      return entering::key_exists;
    }
    w.registry_ = this;
    w.is_found_ = true;
    w.box.add_input();
    return entering::entered;
  }

  /// Calls use(worker) under the mutex. False: there is none.
  template <class Use>
  bool with(const Key& key, Use use) {
    const std::lock_guard lock(mutex_);
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) {
      return false;
    }
    use(*it->second);
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
    return take(w.is_found_ ? by_key_.find(w.key) : by_key_.end());
  }
  [[nodiscard]] std::optional<std::stop_source> take_any_out() {
    const std::lock_guard lock(mutex_);
    return take(by_key_.begin());
  }

  /// Nobody enters any more.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void wait_until_all_are_gone() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return counted_ == 0; });
  }

 private:
  using map = keyed_map<Key, worker*>;

  /// Its box ends behind what was delivered.
  [[nodiscard]] std::optional<std::stop_source> take(typename map::iterator it) {
    if (it == by_key_.end()) {
      return std::nullopt;
    }
    worker& w = *it->second;
    by_key_.erase(it);
    w.is_found_ = false;
    w.box.drop_input();
    return w.stop;
  }
  void leave(worker& w) noexcept {
    std::unique_lock lock(mutex_);
    if (w.is_found_) {
      (void)take(by_key_.find(w.key));
    }
    if (w.guests_ > 0) {
      w.box.close();
      changed_.wait(lock, [&w] { return w.guests_ == 0; });
    }
  }

  mutable adaptive_mutex mutex_;
  std::condition_variable_any changed_;
  map by_key_;
  std::size_t counted_ = 0;
  bool closed_ = false;
};

}  // namespace millrace::detail
