// Ending a queue that nobody takes part in, while others may be joining it. Nobody waits for
// anybody here, so whoever is killed or frozen in the middle of it is in nobody's way.
//
//   Whoever closes                                   Whoever joins
//   (1) sets `closing`, unless it is set             (a) takes a place
//   (2) looks at the places: all free                (b) takes `closing` back, if it is set, and
//   (3) turns `closing` into `removed`                   moves the epoch on; `removed`: too late
//
// (3) exchanges the very value that (2) followed, and whoever comes to (b) meanwhile replaces that
// for good, as the epoch only grows: (3) fails then. Whoever had come to (b) before `closing` was
// set had taken a place before, which (2) finds, unless it has been left again. A `closing` that
// stays behind does no harm: the next to close goes on from it, the next to join takes it back.
//
// SYNC (c)  (1), then (2) <-> (a), then (b): one of the two finds what the other did, since the
//           kernel takes locks on one file, and looks for them, one after the other
#pragma once

#include <atomic>
#include <cstdint>

#include "queue/segment.hpp"

namespace millrace::detail {

/// Marks the queue of these events as removed, unless `in_use()`. False: it is in use. True: it is
/// removed, by this one or by somebody else, and its name is still to be taken away.
template <class Events, class InUse>
[[nodiscard]] bool close_unless(Events& events, InUse in_use) {
  std::uint64_t seen = events.load(std::memory_order_acquire);
  const auto replace = [&](std::uint64_t by) {
    return events.compare_exchange_strong(seen, by, std::memory_order_seq_cst,
                                          std::memory_order_acquire);
  };
  while ((seen & header::removed) == 0) {
    if (in_use()) {  // (2), or before the word is touched, which it seldom need be
      return false;
    }
    if ((seen & header::closing) == 0) {
      if (replace(seen | header::closing)) {  // (1)
        seen |= header::closing;
      }
    } else if (replace((seen & ~header::closing) | header::removed)) {  // (3)
      return true;
    }
  }
  return true;
}

/// By whoever has taken a place: the queue stays open as long as that is held. False: too late.
template <class Events>
[[nodiscard]] bool keep_open(Events& events) noexcept {
  std::uint64_t seen = events.load(std::memory_order_seq_cst);
  while ((seen & header::closing) != 0 &&
         !events.compare_exchange_weak(seen, (seen & ~header::closing) + 1,
                                       std::memory_order_seq_cst,
                                       std::memory_order_seq_cst)) {  // (b)
  }
  return (seen & header::removed) == 0;
}

/// Ends a queue in which nobody but `own` takes part.
[[nodiscard]] inline bool close_if_deserted(const segment& queue, const os::lease_file& own) {
  return close_unless(queue.head().events, [&own] { return own.held_by_others(0, table_size); });
}

}  // namespace millrace::detail
