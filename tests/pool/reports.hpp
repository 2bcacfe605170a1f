// A hook that keeps what brokers and pools report, as text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include <millrace/pool/report.hpp>

namespace test {

/// Thread-safe. Copies of hook() keep referring to this.
class reports {
 public:
  [[nodiscard]] auto hook() noexcept {
    return [this](const auto& r) { add(r); };
  }
  /// Each as "event key: what was thrown".
  [[nodiscard]] std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] std::size_t count(const std::string& line) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(lines_, line));
  }

 private:
  template <class Key>
  void add(const millrace::pool_report<Key>& r) {
    std::string line(to_string(r.event));
    if (r.key != nullptr) {
      line += ' ' + text_of(*r.key);
    }
    if (r.error) {
      try {
        std::rethrow_exception(r.error);
      } catch (const std::exception& e) {
        line += std::string(": ") + e.what();
      }
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  static std::string text_of(const std::string& key) { return key; }
  static std::string text_of(int key) { return std::to_string(key); }
  template <class Key>
  static std::string text_of(const Key& key) {
    return std::to_string(key.number);
  }

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

using lines = std::vector<std::string>;

}  // namespace test
