// The atomic operations that the ring is written in, as a template argument: real ones here, ones
// that a test can schedule, record and cut off in tests/interleaving.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::detail {

struct native_atomics {
  template <class T>
  using atomic = std::atomic<T>;
  /// How far apart lies what different threads write: in cache lines of their own.
  static constexpr std::size_t apart = 64;

  /// A hint to the processor that this thread waits for another one's store.
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  /// Asks for a cache line that will be read soon.
  static void prefetch_to_read(const void* line) noexcept {
    __builtin_prefetch(line, 0);
  }

  /// Asks for a cache line that will be written soon, so that the write need not wait for it.
  static void prefetch_to_write(const void* line) noexcept {
#if defined(__x86_64__)
    // __builtin_prefetch(p, 1) means this only when compiling for newer processors; older 64-bit
    // ones take the instruction as a no-op.
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(line)));
#else
    __builtin_prefetch(line, 1);
#endif
  }

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
};

}  // namespace millrace::detail
