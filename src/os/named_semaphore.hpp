// A semaphore that processes share by its name.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace millrace::os {

class named_semaphore {
 public:
  /// Opens it, or makes it with no permits. Throws millrace::error naming `queue`.
  named_semaphore(const std::string& name, unsigned permissions, const std::string& queue);
  named_semaphore(const named_semaphore&) = delete;
  named_semaphore& operator=(const named_semaphore&) = delete;
  ~named_semaphore();

  /// Adds a permit. No allocation; wakes one sleeper, if there is one.
  void post() noexcept;
  /// Takes a permit if there is one now.
  bool try_wait() noexcept;
  /// Waits for a permit until `deadline`, on the steady clock; stepping the wall clock changes
  /// nothing. May return early, without a permit, when a signal was handled. True: has a permit.
  bool wait_until(std::chrono::steady_clock::time_point deadline) noexcept;

  /// Whether there is one of this name.
  [[nodiscard]] static bool exists(const std::string& name) noexcept;
  /// Takes the name away; those who have it open keep it. Not an error if there is none.
  static void remove(const std::string& name) noexcept;

 private:
  struct handle;
  std::unique_ptr<handle> handle_;
};

}  // namespace millrace::os
