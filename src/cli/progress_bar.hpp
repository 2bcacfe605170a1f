// A bar on the terminal for input that takes a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace millrace::cli {

/// Draws on standard error, and only when that is a terminal, the size is known and half a second
/// has passed. Otherwise it does nothing.
class progress_bar {
 public:
  explicit progress_bar(std::optional<std::uint64_t> total_bytes);
  /// Wipes an unfinished bar, so that what is said next stands on a line of its own.
  ~progress_bar();
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void show(std::uint64_t bytes);
  /// Leaves the full bar standing, if there is one.
  void finish();

 private:
  void draw(std::uint64_t bytes, std::chrono::steady_clock::time_point now);

  std::uint64_t total_ = 0;
  bool wanted_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace millrace::cli
