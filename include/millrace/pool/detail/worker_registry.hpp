// Who works in a pool. Each worker is owned by the coroutine or thread that runs it; the registry
// points at those that can be reached by their keys, and counts all that run.
//
//     enter ---- by its key ----> take_out, or leave ----> ended
//     counted ------------------------------------------> not counted
//
// A worker leaves before it is destroyed, so whoever finds one under the mutex may use it there,
// and takes along what is needed afterwards: its link.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/message_box.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/pool/detail/keyed_map.hpp>

namespace millrace::detail {

template <class Key, class Message, box_policy Policy>
struct worker {
  worker(const Key& k, const Policy& policy)
      : key(k), box(policy, even_fences), in(box.new_input()) {}

  const Key key;
  message_box<Message, Policy> box;
  input<Message, Policy> in;  // by the registry, under its mutex
  std::stop_source stop;
};

/// What reaches a worker from outside, whether it still lives or not.
template <class Message, box_policy Policy>
struct worker_link {
  input<Message, Policy> in;
  std::stop_source stop;
};

enum class entering {
  entered,
  key_exists,
  closed
};

/// Thread-safe.
template <pool_key Key, class Message, box_policy Policy>
class worker_registry {
 public:
  using worker = detail::worker<Key, Message, Policy>;
  using link = worker_link<Message, Policy>;

  worker_registry() = default;
  worker_registry(const worker_registry&) = delete;
  worker_registry& operator=(const worker_registry&) = delete;

  /// Counts the worker if it can be found from now on.
  [[nodiscard]] entering enter(worker& w) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return entering::closed;
    }
    if (!by_key_.emplace(w.key, &w).second) {
      return entering::key_exists;
    }
    ++running_;
    return entering::entered;
  }
  /// It is found no more. To be destroyed, and then `ended`.
  void leave(const worker& w) noexcept {
    const std::lock_guard lock(mutex_);
    const auto it = by_key_.find(w.key);
    if (it != by_key_.end() &&
        it->second == &w) {  // else it was taken out, by whom does not matter
      by_key_.erase(it);
    }
  }
  void ended() noexcept {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) {
      all_ended_.notify_all();  // under the lock: after it the registry may be gone
    }
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
  [[nodiscard]] bool contains(const Key& key) const {
    const std::lock_guard lock(mutex_);
    return by_key_.find(key) != by_key_.end();
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return by_key_.size();
  }

  [[nodiscard]] std::optional<link> take_out(const Key& key) {
    const std::lock_guard lock(mutex_);
    return take(by_key_.find(key));
  }
  /// The same, unless the key's worker is another one by now.
  [[nodiscard]] std::optional<link> take_out(const Key& key, const std::stop_source& who) {
    const std::lock_guard lock(mutex_);
    const auto it = by_key_.find(key);
    return it != by_key_.end() && it->second->stop == who ? take(it) : std::nullopt;
  }
  [[nodiscard]] std::optional<link> take_any_out() {
    const std::lock_guard lock(mutex_);
    return take(by_key_.begin());
  }

  /// Nobody enters any more.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void wait_until_all_ended() {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  using map = keyed_map<Key, worker*>;

  [[nodiscard]] std::optional<link> take(typename map::iterator it) {
    if (it == by_key_.end()) {
      return std::nullopt;
    }
    worker& w = *it->second;
    std::optional<link> taken(link{std::move(w.in), w.stop});
    by_key_.erase(it);
    return taken;
  }

  mutable std::mutex mutex_;
  std::condition_variable all_ended_;
  map by_key_;
  std::size_t running_ = 0;  // found by their keys or not
  bool closed_ = false;
};

}  // namespace millrace::detail
