// Looking at queues from outside, without taking part, and removing them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/queue/options.hpp>

namespace millrace {

/// One handle attached to a queue.
struct participant_info {
  std::uint32_t id;        // its place in the queue's table
  std::uint32_t pid;       // as its own process saw it when it opened the handle
  bool publishes;          // a publisher, else a subscriber
  bool alive;              // it still holds its lease; one that does not is recovered by the others
  std::uint64_t messages;  // published or finished since it joined
  std::uint64_t bytes;     // in those messages
  std::uint64_t redeliveries;  // of what it was given, messages that somebody had had before
};

enum class mishap {
  death,       // it ended without leaving, and another one cleaned up after it
  revocation,  // it lived, but left a claim standing, and another one went around that
};

/// What befell one participant. Only for people: whoever was noting it may have been killed over
/// it, so now and then one is missing; the counts of queue_info do not depend on these.
struct incident {
  mishap what;
  std::chrono::system_clock::time_point when;  // by the clock of whoever noted it
  std::uint32_t id;                            // the victim, as in participant_info
  std::uint32_t pid;
  bool publishes;
  std::uint32_t by;         // the process that saw to it
  std::uint64_t abandoned;  // a dead one's messages: being written, now padding,
  std::uint64_t orphaned;   // being read, to be delivered again,
  std::uint64_t dropped;    // being read, gone where delivery is at most once
};

/// What a queue is and what happened in it. Taken while others go on, so the figures are each right
/// but need not be of one instant. Counts are since the queue was made; each process that is killed
/// just between an action and its count makes one of them one too small.
struct queue_info {
  std::string name;
  std::filesystem::path path;
  std::size_t capacity;    // bytes
  std::size_t block_size;  // bytes
  std::size_t slots;       // capacity / block_size
  std::size_t file_size;   // bytes, with the header and descriptors
  lifetime life;
  delivery guarantee;
  role publishers;
  role subscribers;
  std::size_t depth;        // messages that wait to be delivered
  std::size_t depth_bytes;  // bytes in those
  std::size_t in_hands;     // messages being read by a subscriber
  std::size_t in_progress;  // messages being written by a publisher
  std::size_t used_slots;   // slots that are not free
  std::uint64_t published;  // messages
  std::uint64_t published_bytes;
  std::uint64_t finished;  // messages that a subscriber was done with
  std::uint64_t finished_bytes;
  std::uint64_t redeliveries;  // deliveries of a message that had been handed out before
  std::uint64_t recoveries;    // participants that died and were cleaned up after
  std::uint64_t abandoned;     // messages being written when their publisher died
  std::uint64_t revocations;   // claims of a stalled publisher that the others went around
  std::vector<participant_info> participants;
  std::vector<incident> incidents;  // the last 16 of each kind, oldest first
};

/// One message as it lies in a queue.
struct peeked_message {
  std::vector<std::byte> bytes;
  bool redelivered;
};

/// The names of the queues in a directory, sorted. Files that are no queues are passed over. A
/// directory that does not exist holds none. Throws errc::permission_denied.
[[nodiscard]] std::vector<std::string> list(const std::filesystem::path& directory = {});

/// Throws millrace::error as opening the queue would: not_found, not_a_queue, ...
[[nodiscard]] queue_info stat(std::string_view name, const std::filesystem::path& directory = {});

/// Copies up to `count` waiting messages, oldest first, leaving them where they are.
[[nodiscard]] std::vector<peeked_message> peek(std::string_view name, std::size_t count = 1,
                                               const std::filesystem::path& directory = {});

/// Removes a queue and what is in it. Those still attached get status::removed; messages on loan
/// stay readable until they end. False: there was none. A file that is no queue is refused, unless
/// it is one whose format this build cannot read.
bool remove(std::string_view name, const std::filesystem::path& directory = {});

}  // namespace millrace
