// A bridge that runs in a thread of its own, and messages to know again.
#pragma once

#include <future>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/link/nats_bridge.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

namespace test {

/// Runs call(stop) until finish.
class bridging {
 public:
  template <class Call>
  explicit bridging(Call call)
      : result_(std::async(std::launch::async,
                           [this, call = std::move(call)] { return call(stop_.get_token()); })) {}
  ~bridging() { stop_.request_stop(); }
  bridging(const bridging&) = delete;
  bridging& operator=(const bridging&) = delete;

  /// Stops it, or lets it throw what it ended by.
  millrace::bridge_result finish() {
    stop_.request_stop();
    return result_.get();
  }
  /// Waits for it to end by itself.
  millrace::bridge_result wait() { return result_.get(); }

 private:
  std::stop_source stop_;
  std::future<millrace::bridge_result> result_;
};

/// What a bridge said.
class chronicle {
 public:
  [[nodiscard]] millrace::nats_listener listener() {
    return [this](millrace::nats_event what, std::string_view text) {
      const std::lock_guard lock(mutex_);
      ++counts_[what];
      said_ += text;
      said_ += '\n';
    };
  }
  [[nodiscard]] int count(millrace::nats_event what) {
    const std::lock_guard lock(mutex_);
    return counts_[what];
  }
  [[nodiscard]] std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  std::mutex mutex_;
  std::map<millrace::nats_event, int> counts_;
  std::string said_;
};

/// "first" to "last", as long as real messages are.
inline std::vector<std::string> numbers(int first, int last) {
  std::vector<std::string> messages;
  for (int i = first; i <= last; ++i) {
    messages.push_back(std::to_string(i) + std::string(100, '.'));
  }
  return messages;
}

inline void enqueue_all(millrace::publisher& to, const std::vector<std::string>& messages) {
  for (const std::string& message : messages) {
    (void)to.enqueue(message);
  }
}

/// How often each message is there.
inline std::map<std::string, int> tally(const std::vector<std::string>& messages) {
  std::map<std::string, int> counts;
  for (const std::string& message : messages) {
    ++counts[message];
  }
  return counts;
}

}  // namespace test
