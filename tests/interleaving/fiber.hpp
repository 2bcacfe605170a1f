// A simulated process: a fiber whose stack is plain bytes at a fixed address, so that copying the
// bytes out and in again takes the process back to where it was.
//
// That is why this uses the two functions beneath boost::context::fiber and not the class: a
// suspended context is there a single pointer into its stack, with all registers saved on that
// stack, and may be resumed any number of times. The class allows one resumption only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::interleaving {

inline constexpr unsigned most_processes = 4;

namespace fiber {

/// Makes fiber `who` start at `body(who)` when it is resumed next. `body` must not return.
void prepare(unsigned who, void (*body)(unsigned who));

/// Runs fiber `who` until it suspends itself.
void resume(unsigned who);

/// Called on a fiber: goes back to whoever resumed it.
void suspend();

/// The live part of a suspended fiber's stack. Its beginning moves from one suspension to the next.
[[nodiscard]] std::span<std::byte> live(unsigned who);

/// Takes fiber `who` back to a suspension at which `live(who)` held these bytes.
void restore(unsigned who, std::span<const std::byte> bytes);

/// Zeroes what earlier calls left behind below a suspended fiber's stack, so that it makes no
/// difference between later states.
void wipe_below(unsigned who);

/// Drops the fiber: as if its process had been killed.
void abandon(unsigned who);

}  // namespace fiber
}  // namespace millrace::interleaving
