// Memory for the frames of coroutines that come and go: what one leaves, the next one of about its
// size gets. The heap would have a lock between a thread that starts coroutines and one that ends
// them, which they meet at each time.
#pragma once

#include <cstddef>

namespace millrace::detail {

/// As operator new and operator delete, for frames. Thread-safe.
[[nodiscard]] void* take_frame(std::size_t size);
void give_frame(void* frame, std::size_t size) noexcept;

/// What the promise of a coroutine derives from, so that its frame comes from there.
struct framed {
  [[nodiscard]] static void* operator new(std::size_t size) { return take_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { give_frame(frame, size); }
};

}  // namespace millrace::detail
