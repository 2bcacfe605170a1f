// Values that are given out once: the numbers of calls, say.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>

namespace millrace {

/// A number that no other fresh<Tag> of this process has. Tag is any type, also an incomplete one;
/// numbers of different tags are different types.
template <class Tag>
class fresh {
 public:
  /// Nobody's number: next() never gives it.
  constexpr fresh() noexcept = default;

  /// Thread-safe. A thread takes numbers from a block of its own, so the threads meet once in
  /// block_size calls; hence numbers rise within a thread, but not from one thread to the next.
  // Not inlined: a coroutine may go on in another thread, and some compilers keep the address of a
  // thread's variable across that.
  [[nodiscard, gnu::noinline]] static fresh next() noexcept {
    thread_local std::uint64_t mine = 0;
    thread_local std::uint64_t end = 0;
    if (mine == end) {
      // relaxed: the number is all that the threads get from each other.
      mine = first_free.fetch_add(block_size, std::memory_order_relaxed);
      end = mine + block_size;
    }
    return fresh(mine++);
  }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

  friend constexpr auto operator<=>(fresh, fresh) noexcept = default;

 private:
  static constexpr std::uint64_t block_size = 1024;
  static inline std::atomic<std::uint64_t> first_free = 1;

  explicit constexpr fresh(std::uint64_t value) noexcept : value_(value) {}

  std::uint64_t value_ = 0;
};

}  // namespace millrace

template <class Tag>
struct std::hash<millrace::fresh<Tag>> {
  std::size_t operator()(millrace::fresh<Tag> number) const noexcept {
    return std::hash<std::uint64_t>()(number.value());
  }
};
