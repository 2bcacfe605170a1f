// Is a queue in order? Who holds what in it, what is wrong, and what can be put right.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/queue/inspect.hpp>

namespace millrace {

enum class fault {
  file_damaged,         // its size, or what it says it is, makes no sense
  half_removed,         // marked as removed, but it has its name still
  deserted,             // transient, and the last participant died
  semaphore_missing,    // in use, but newcomers would sleep and be woken elsewhere
  participant_dead,     // it died, and nobody has cleaned up after it yet
  participant_damaged,  // a record in the table holds impossible values
  participant_stopped,  // a notice: it lives but does not run
  role_broken,          // more participants than an exclusive role allows
  word_damaged,         // the word of a slot makes no sense by itself
  record_overrun,       // a record's slots do not belong to it
  lap_damaged,          // a slot is in another lap than its neighbours
  owner_damaged,        // a record belongs to nobody that can have it
  left_behind,          // a record belongs to a place in the table that nobody has
  shape_damaged,        // a message's length or place do not fit its slots
  hint_damaged,         // a hint leads past what it should lead to
  announcement_stale,   // more sleepers are announced than can take part
};

/// What a fault is to people.
struct fault_text {
  std::string_view name;     // the enumerator's, for programs
  std::string_view meaning;  // what it does to the queue and those who use it
  std::string_view remedy;   // what can be done
  bool wrong;                // else a notice: the queue is in order all the same
  bool repairable;           // by repair()
};
[[nodiscard]] const fault_text& about(fault f) noexcept;

struct finding {
  fault what;
  std::size_t at;     // the number of the slot or participant, else 0
  std::string where;  // the same in words
  std::string found;
};

/// A record that stood in somebody's hands for as long as was watched.
struct holding {
  enum class purpose {
    writing,
    reading,
    freeing,    // done with it; its slots are being set free
    overtaken,  // being written, but the others went around it
  };
  enum class condition {
    alive,
    stopped,  // alive, but its process does not run
    dead,     // to be cleaned up after
    unknown,  // no live or dead participant has that place
  };
  purpose what;
  std::size_t slot;  // its first
  std::size_t slots;
  std::uint32_t id;  // whose, as in participant_info
  std::uint32_t pid;
  bool publishes;
  condition who;
};

struct diagnosis {
  std::string name;
  std::filesystem::path path;
  std::optional<queue_info> queue;     // nothing if the file cannot be read as a queue, or is gone
  bool knows_who_lives = true;         // asking takes the right to write to the file
  std::size_t orphans = 0;             // messages that came back and wait to be delivered again
  std::size_t padding = 0;             // slots with nothing to deliver, to be set free in passing
  std::chrono::nanoseconds watched{};  // holdings and findings stood unchanged for this long
  std::vector<holding> holdings;
  std::vector<finding> findings;  // of each kind the first sixteen
  std::size_t omitted = 0;        // findings beyond those

  /// No finding is wrong; there may be notices.
  [[nodiscard]] bool healthy() const noexcept;
};

/// Verifies every word of a queue, at rest or in use, without writing to it or taking part. What is
/// in motion is taken for what it is: only what stands still and stays wrong is found. Throws as
/// stat does, but reports a damaged or cut-off queue as a finding.
[[nodiscard]] diagnosis examine(std::string_view name, const std::filesystem::path& directory = {});

struct treatment {
  std::vector<std::string> done;  // a sentence each
  diagnosis after;
};

/// Puts right what can be put right without touching what belongs to the living: cleans up after
/// the dead, under their leases, takes away what is left of a removed or deserted queue, and
/// examines it again. Throws as examine, and errc::permission_denied without the right to write.
[[nodiscard]] treatment repair(std::string_view name, const std::filesystem::path& directory = {});

}  // namespace millrace
