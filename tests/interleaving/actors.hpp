// What the simulated processes do.
#pragma once

namespace millrace::interleaving {

/// A publisher's life: sends its items, then leaves.
void publish(unsigned self);
/// A subscriber's life: takes messages for ever.
void subscribe(unsigned self);

// What a process at rest (go_on, recover_from) or asleep (go_on, slice_over) may be told to do.
inline constexpr unsigned go_on = 0;
inline constexpr unsigned slice_over = 1;    // to look around, or for nothing
inline constexpr unsigned recover_from = 2;  // recover_from + d: cleans up after process d

// The two semaphores.
inline constexpr unsigned not_empty = 0;
inline constexpr unsigned not_full = 1;

}  // namespace millrace::interleaving
