// Copying messages, most of which are short.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

#if defined(__SANITIZE_THREAD__)
#define MILLRACE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define MILLRACE_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define MILLRACE_THREAD_SANITIZER 0
#endif

namespace millrace::detail {

/// memcpy, without a call for up to 128 bytes: a few moves of fixed size, which overlap.
inline void copy(std::byte* to, const std::byte* from, std::size_t size) noexcept {
  const auto move = [=](auto width, std::size_t at) { std::memcpy(to + at, from + at, width); };
  if (size > 128) {
    std::memcpy(to, from, size);
  } else if (size > 16) {
    constexpr std::integral_constant<std::size_t, 16> width;
    for (std::size_t at = 0; at + width < size; at += width) {
      move(width, at);
    }
    move(width, size - width);
  } else if (size >= 8) {
    constexpr std::integral_constant<std::size_t, 8> width;
    move(width, 0);
    move(width, size - width);
  } else if (size >= 4) {
    constexpr std::integral_constant<std::size_t, 4> width;
    move(width, 0);
    move(width, size - width);
  } else if (size != 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

/// The same from memory that somebody else may be writing, in which case the result is worthless
/// and must be thrown away. The language has no such copy yet: here barriers keep the compiler from
/// drawing conclusions across it, and where ThreadSanitizer watches, it is told to look away.
#if MILLRACE_THREAD_SANITIZER
__attribute__((no_sanitize("thread"))) inline void copy_racing(std::byte* to, const std::byte* from,
                                                               std::size_t size) noexcept {
  const volatile std::byte* const racing = from;
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = racing[i];
  }
}
#else
inline void copy_racing(std::byte* to, const std::byte* from, std::size_t size) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  copy(to, from, size);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
#endif

}  // namespace millrace::detail
