// Noticing fork: a child must neither use nor hold on to what its parent has open.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace millrace::os {

namespace detail {
extern std::atomic<std::uint32_t> fork_generation;
}

/// A number that differs between a process and the children that it forks. Cheap enough for every
/// call, unlike getpid().
[[nodiscard]] inline std::uint32_t fork_generation() noexcept {
  return detail::fork_generation.load(std::memory_order_relaxed);
}

/// Held by every fork, so that a child finds what it guards in order. Not to be taken twice.
[[nodiscard]] std::mutex& fork_mutex();

/// A file descriptor that a forked child closes at once, before it runs anything else. A lock that
/// belongs to the descriptor's open file description thus ends with the process that took it.
/// (A child made by a bare clone system call, past the C library, is not noticed.)
class private_descriptor {
 public:
  /// Opens `path` as open() does, but never as the number of a standard stream; get() is negative,
  /// with errno set, if that fails.
  private_descriptor(const char* path, int flags);
  private_descriptor(const private_descriptor&) = delete;
  private_descriptor& operator=(const private_descriptor&) = delete;
  ~private_descriptor();

  /// -1 in a forked child.
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  friend struct descriptor_list;
  int descriptor_;
  private_descriptor* previous_ = nullptr;
  private_descriptor* next_ = nullptr;
};

}  // namespace millrace::os
