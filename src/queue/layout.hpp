// The memory of a queue: one file, mapped by everyone who takes part.
//
//     0          4096            69632          69632 + 128 N              + block_size N
//     +----------+---------------+--------------+--------------------------+
//     |  header  |  participants |  slots       |  blocks                  |
//     |  1 page  |  512 x 128 B  |  N x 128 B   |  N x block_size          |
//     +----------+---------------+--------------+--------------------------+
//
// N is a power of two. Slot i and block i belong together: a message of up to 112 bytes lies in its
// slot, a longer one in the blocks of consecutive slots (word.hpp, ring.hpp).
//
// Beside the bytes there are the locks (os/lease.hpp), which live in the system, not in the file:
// one a participant, held while it takes part, and a few for joining and removing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <millrace/detail/doorbell.hpp>
#include <millrace/detail/ring.hpp>

namespace millrace::detail {

/// What a queue is, written once before anybody else can see the file. Everything that is used
/// later is copied out of the shared memory after it was checked.
struct identity {
  static constexpr std::uint64_t magic_value = 0x45434152'4C4C494D;  // "MILLRACE"
  static constexpr std::uint32_t current_version = 1;

  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t permissions;
  std::uint64_t fingerprint;  // of all sizes and offsets here
  std::uint64_t file_size;
  std::uint32_t slots_log2;
  std::uint32_t block_log2;
  std::uint8_t life;        // lifetime
  std::uint8_t guarantee;   // delivery
  std::uint8_t publishers;  // role
  std::uint8_t subscribers;
  std::uint32_t reserved;
  std::array<std::uint64_t, 2> instance;  // random: tells queues of one name apart
  std::uint64_t checksum;                 // of all the above
};
static_assert(sizeof(identity) == 72);
static_assert(offsetof(identity, magic) == 0);
static_assert(offsetof(identity, version) == 8, "every format version has its number here");

/// One line of a log for people: whose mishap it was, who saw to it, and what was found. Anybody
/// may write one and be cut off anywhere in it, or have it written over by a later one while it
/// sleeps; the checksum tells a whole line from such a one, which is passed over. Nobody waits for
/// it.
struct alignas(64) incident_line {
  std::atomic<std::uint64_t> number;  // of this line in its log, from 1
  std::atomic<std::uint64_t> time;    // nanoseconds since 1970, by the writer's clock
  std::atomic<std::uint64_t> place;   // the victim's in the table, and, from bit 32, publishes
  std::atomic<std::uint64_t> pids;    // the victim's, and, from bit 32, the writer's
  std::atomic<std::uint64_t> abandoned;
  std::atomic<std::uint64_t> orphaned;
  std::atomic<std::uint64_t> dropped;
  std::atomic<std::uint64_t> checksum;  // of all the above
};
static_assert(sizeof(incident_line) == 64);
static_assert(offsetof(incident_line, pids) == 24);
static_assert(offsetof(incident_line, checksum) == 56);

/// The latest lines; line n lies at n modulo their number.
struct incident_log {
  alignas(64) std::atomic<std::uint64_t> begun;  // lines, whole or not
  std::array<incident_line, 16> lines;
};
static_assert(offsetof(incident_log, lines) == 64);
static_assert(sizeof(incident_log) == 1088);

struct header {
  static constexpr std::uint64_t removed = std::uint64_t{1} << 63;
  static constexpr std::uint64_t closing = std::uint64_t{1} << 62;  // closing.hpp

  identity id;

  /// The queue's epoch, moved on whenever messages came back to be delivered again, `removed`, and
  /// `closing`. Subscribers look at it before everything else; it changes rarely.
  alignas(64) std::atomic<std::uint64_t> events;
  /// Set by the first participant; tells a queue that nobody has used yet from one that all left.
  std::atomic<std::uint32_t> joined;

  hints<native_atomics> where;
  doorbell<native_atomics> not_empty;  // subscribers sleep on this one
  doorbell<native_atomics> not_full;   // publishers on this one

  // One log each, so that the many of one kind do not push out the few of the other.
  incident_log deaths;
  incident_log revocations;
};
static_assert(offsetof(header, id) == 0);
static_assert(offsetof(header, events) == 128);
static_assert(offsetof(header, joined) == 136);
static_assert(offsetof(header, where) == 192);
static_assert(offsetof(header, not_empty) == 320);
static_assert(offsetof(header, not_full) == 384);
static_assert(offsetof(header, deaths) == 448);
static_assert(offsetof(header, revocations) == 1536);
static_assert(sizeof(header) == 2624);

/// One place in the table of participants. Written by whoever holds its lease, read by anybody. The
/// counters belong to the place, not to its holder: they only grow, so that their sums over the
/// table are the queue's counts, whoever has come, gone or died.
struct alignas(128) participant_record {
  std::atomic<std::uint32_t> dirty;  // 1 from before the first step in the ring to a clean leave
  std::atomic<std::uint32_t> pid;    // for people
  std::atomic<std::uint32_t> publishes;
  std::atomic<std::uint32_t> revoked_in_a_row;  // how often its present message lost its place
  std::atomic<std::uint64_t> messages_before;   // of the counters, when the present holder joined
  std::atomic<std::uint64_t> bytes_before;
  std::atomic<std::uint64_t> published;
  std::atomic<std::uint64_t> published_bytes;
  std::atomic<std::uint64_t> finished;
  std::atomic<std::uint64_t> finished_bytes;
  std::atomic<std::uint64_t> redeliveries;
  std::atomic<std::uint64_t> recoveries;
  std::atomic<std::uint64_t> abandoned;
  std::atomic<std::uint64_t> revocations;
  std::atomic<std::uint32_t> asleep;               // it has announced itself to a doorbell
  std::atomic<std::uint64_t> redeliveries_before;  // as messages_before
};
static_assert(sizeof(participant_record) == 128);
static_assert(offsetof(participant_record, messages_before) == 16);
static_assert(offsetof(participant_record, published) == 32);
static_assert(offsetof(participant_record, revocations) == 88);
static_assert(offsetof(participant_record, asleep) == 96);
static_assert(offsetof(participant_record, redeliveries_before) == 104);

inline constexpr std::uint32_t table_size = 512;
static_assert(table_size <= max_owners);

inline constexpr std::size_t participants_offset = 4096;
static_assert(sizeof(header) <= participants_offset);
inline constexpr std::size_t slots_offset =
    participants_offset + table_size * sizeof(participant_record);
static_assert(slots_offset == 69632);

/// Which byte stands for what in os::lease_file. A participant's is its number in the table.
namespace lease_byte {
inline constexpr std::uint32_t only_publisher = table_size;       // exclusive role
inline constexpr std::uint32_t only_subscriber = table_size + 1;  // exclusive role
inline constexpr std::uint32_t unlinking = table_size + 2;        // taking the name away
}  // namespace lease_byte

constexpr std::uint64_t hash(std::uint64_t seed, std::uint64_t value) noexcept {
  // FNV-1a, a byte at a time.
  for (int i = 0; i < 64; i += 8) {
    seed = (seed ^ ((value >> i) & 0xFF)) * 0x100000001B3;
  }
  return seed;
}

/// Builds whose fingerprints differ would misread each other's memory.
constexpr std::uint64_t layout_fingerprint() noexcept {
  std::uint64_t h = 0xCBF29CE484222325;
  for (const std::uint64_t part : {std::uint64_t{sizeof(identity)},
                                   std::uint64_t{sizeof(header)},
                                   std::uint64_t{offsetof(header, events)},
                                   header::removed,
                                   header::closing,
                                   std::uint64_t{offsetof(header, where)},
                                   std::uint64_t{offsetof(header, not_empty)},
                                   std::uint64_t{offsetof(header, not_full)},
                                   std::uint64_t{offsetof(header, deaths)},
                                   std::uint64_t{sizeof(incident_log)},
                                   std::uint64_t{sizeof(participant_record)},
                                   std::uint64_t{table_size},
                                   std::uint64_t{offsetof(participant_record, published)},
                                   std::uint64_t{offsetof(participant_record, redeliveries_before)},
                                   std::uint64_t{slots_offset},
                                   std::uint64_t{sizeof(slot<native_atomics>)},
                                   std::uint64_t{slot<native_atomics>::inline_size},
                                   std::uint64_t{word::state_bits},
                                   std::uint64_t{word::owner_bits},
                                   std::uint64_t{word::span_bits},
                                   shape::in_blocks,
                                   shape::handed_out,
                                   first_lap}) {
    h = hash(h, part);
  }
  return h;
}

/// What identity::checksum must be.
inline std::uint64_t checksum(const identity& id) noexcept {
  std::uint64_t h = layout_fingerprint();
  std::array<std::uint64_t, offsetof(identity, checksum) / 8> words{};
  std::memcpy(words.data(), &id, sizeof words);
  for (const std::uint64_t w : words) {
    h = hash(h, w);
  }
  return h;
}

}  // namespace millrace::detail
