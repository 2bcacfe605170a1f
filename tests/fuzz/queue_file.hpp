// A queue's file as bytes, to be put where queues are opened.
#pragma once

#include <string>
#include <string_view>

#include <millrace/millrace.hpp>

namespace fuzz {

/// The smallest ring there is.
inline constexpr std::size_t slots = 64;
inline constexpr std::size_t block_size = 64;

/// Options to make or open the queue "q", where these targets keep it. Impatient, and not spinning.
[[nodiscard]] millrace::queue_options options();

/// The bytes of a fresh queue of these roles and promises. The same each time in one process, with
/// the queue's random number too, so that there are no more than two semaphores for all of them.
[[nodiscard]] const std::string& fresh(millrace::lifetime life, millrace::delivery guarantee,
                                       millrace::role publishers, millrace::role subscribers);

/// Makes `content` the file of queue "q". A new file, whatever was there.
void place(std::string_view content);

/// Takes away what is there, and the semaphores.
void clear();

/// Does `action`, which may end in any of the library's errors.
template <class Action>
void survive(Action&& action) {
  try {
    action();
  } catch (const millrace::error&) {
  }
}

/// Ends the run as a crash unless it holds.
inline void must(bool holds) {
  if (!holds) {
    __builtin_trap();
  }
}

/// Reads every byte.
void read(std::span<const std::byte> bytes);

}  // namespace fuzz
