// Everything that a state of the exploration consists of, but for the stacks: the shared memory,
// what the kernel keeps, what is true of the messages, and the processes. Plain bytes, to be
// copied, compared and hashed as such.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <type_traits>

#include <millrace/detail/doorbell.hpp>
#include <millrace/detail/publishing.hpp>
#include <millrace/detail/ring.hpp>
#include <millrace/detail/subscribing.hpp>

#include "atomics.hpp"
#include "configuration.hpp"
#include "fiber.hpp"
#include "intent.hpp"

namespace millrace::interleaving {

using detail::position;
using detail::word;
using ring = detail::ring<explored_atomics>;
using publishing = detail::publishing<explored_atomics>;
using subscribing = detail::subscribing<explored_atomics>;

inline constexpr unsigned most_slots = 8;
inline constexpr unsigned most_messages = 12;
inline constexpr unsigned block_log2 = 3;
inline constexpr std::size_t most_bytes = most_slots << block_log2;  // of a message

enum class life : std::uint8_t {
  absent,
  running,
  dead,
  frozen,
  left
};

struct process {
  life is;
  bool parked;            // its last attempt found nothing to do ...
  bool changed;           // ... and this is whether memory has changed since that began
  std::uint8_t answer;    // which option the schedule chose
  std::uint8_t pauses;    // in a row; see instrument.cpp
  bool begins;            // an attempt; the first read is part of the same step
  bool announced;         // as a sleeper, and nobody has taken that away
  std::uint8_t recovers;  // 1 + process: whose words it is setting right
  bool scans;             // for messages that came back
  bool gives_back;        // a message
  std::uint8_t spare[5];
  std::uint8_t owes_post;  // 1 + semaphore: took an announcement away and has not posted yet
  intent next;
  std::uint64_t digest;  // of its stack
};

enum class fate : std::uint8_t {
  unsent,
  committed,
  taken,
  orphaned,
  done,
  dropped
};

struct message_record {
  fate is;
  std::uint8_t taker;
  bool given;     // to a subscriber's caller, at least once
  bool returned;  // given back by one that was alive
};

struct world {
  // ---- shared memory
  std::array<detail::slot<explored_atomics>, most_slots> slots;
  std::array<std::byte, most_slots << block_log2> blocks;
  detail::hints<explored_atomics> where;
  detail::doorbell<explored_atomics> not_empty;
  detail::doorbell<explored_atomics> not_full;
  cell<std::uint64_t> events;

  // ---- the kernel's
  std::array<std::uint8_t, most_processes> lease_holder;  // 0: free; else 1 + process
  std::array<bool, most_processes> dirty;
  std::array<bool, most_processes> asleep;  // as dirty, a mark in the shared memory
  std::array<std::uint8_t, 2> permits;      // of the semaphores not_empty, not_full

  // ---- what is true: written by the explorer alone (properties.cpp)
  std::array<std::uint8_t, most_slots> record_of;   // 0: no record; else 1 + its first slot
  std::array<std::uint8_t, most_slots> message_at;  // 0: none; else 1 + message
  std::array<message_record, most_messages> messages;
  std::array<std::uint8_t, most_processes> next_item;
  /// Permits, posted or to come, for sleepers who are up or gone; less those never to be posted.
  std::array<std::int8_t, 2> stray;

  // ---- what may still happen
  std::uint8_t kills, freezes, revocations, returns, departures, hint_falls, slices;
  bool struck;  // somebody was killed or frozen

  std::array<process, most_processes> processes;
  /// Each process' publishing or subscribing.
  struct alignas(16) handle {
    std::array<std::byte, 256> bytes;
  };
  std::array<handle, most_processes> handles;
  std::array<std::array<std::byte, most_bytes>, most_processes> buffers;  // for copies
};
static_assert(std::is_trivially_copyable_v<world>);
static_assert(sizeof(publishing) <= sizeof(world::handle));
static_assert(sizeof(subscribing) <= sizeof(world::handle));
static_assert(std::is_trivially_copyable_v<publishing>);
static_assert(std::is_trivially_copyable_v<subscribing>);

/// The one world. At a fixed place, because the processes' stacks point into it.
extern world now;
/// What is explored.
extern configuration plan;
/// The process whose step is being made.
extern unsigned running;

[[nodiscard]] inline ring the_ring() {
  return {now.slots.data(), now.blocks.data(), now.where, plan.slots_log2, block_log2};
}
[[nodiscard]] inline word word_at(unsigned i) {
  return {now.slots[i].word.peek()};
}
[[nodiscard]] inline bool runs(unsigned who) {
  return now.processes[who].is == life::running;
}
/// Where a subscriber wants its copies.
[[nodiscard]] std::span<std::byte> buffer_of(unsigned who);
/// Whether `owner`, whatever befell it, will never go on, nor will whoever recovers it.
[[nodiscard]] bool stuck(unsigned owner);

/// A new world in which nobody has made a step; each process stands before its first.
void begin(const configuration& c);

/// A hash of the world and the stacks of its processes. Two states are taken as the same when these
/// 64 bits are: among 10^7 states the chance that one is missed so is below one in 10^5.
[[nodiscard]] std::uint64_t digest_of_now();

/// Ends what a process does, leaving the memory as it is.
void kill(unsigned who);
/// Starts a process anew.
void start(unsigned who);
/// Lets a process do what it is about to, up to before its next step.
void step(unsigned who, unsigned answer);

/// Memory, or somebody's life, is not what it was: all may look again.
void everybody_may_look();

}  // namespace millrace::interleaving
