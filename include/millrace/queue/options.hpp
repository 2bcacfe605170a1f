// How a queue is made or opened: its size, where it lives, who may use it and what it promises.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

namespace millrace {

enum class opening {
  open_or_create,
  create_only,
  open_only
};

enum class lifetime {
  persistent,  // the queue and what is in it stay until removed
  transient,   // the queue goes with its last participant
};

enum class delivery {
  at_least_once,  // a message whose subscriber dies is delivered again, marked redelivered
  at_most_once,   // a message whose subscriber dies is gone with it
};

enum class role {
  shared,     // any number at once
  exclusive,  // one at a time, which is faster; a second one is refused with errc::role_taken
};

/// A value that remembers whether somebody chose it. A chosen value must equal what an existing
/// queue has, or opening it is refused; a value left alone takes effect when creating only.
template <class T>
class setting {
 public:
  constexpr setting(T chosen) noexcept : value_(chosen), chosen_(true) {}  // NOLINT: implicit
  [[nodiscard]] static constexpr setting unless_chosen(T value) noexcept {
    setting s(value);
    s.chosen_ = false;
    return s;
  }

  constexpr operator T() const noexcept { return value_; }  // NOLINT: implicit
  [[nodiscard]] constexpr bool chosen() const noexcept { return chosen_; }

 private:
  T value_;
  bool chosen_;
};

struct queue_options {
  /// Bytes of message storage, rounded up to block_size times a power of two, at least 64 blocks.
  /// 0: 1 MiB when creating, whatever the queue has when opening. A message can have up to half.
  std::size_t capacity = 0;
  /// Bytes, a power of two from 64 up: what one slot stores, though never less than 112. A longer
  /// message takes several slots in a row. 0: 256 when creating (more when capacity would need over
  /// 524,288 slots), whatever the queue has when opening.
  std::size_t block_size = 0;
  /// Where the queue's file lives; it must be on one machine's memory or disk. Empty:
  /// default_directory(). While it is in use nobody must cut the file short (truncate it, copy
  /// another file over it): the system then sends SIGBUS to those who have it mapped.
  std::filesystem::path directory = {};
  opening open = opening::open_or_create;
  setting<lifetime> life = setting<lifetime>::unless_chosen(lifetime::persistent);
  setting<delivery> guarantee = setting<delivery>::unless_chosen(delivery::at_least_once);
  setting<role> publishers = setting<role>::unless_chosen(role::shared);
  setting<role> subscribers = setting<role>::unless_chosen(role::shared);
  /// How long a claim whose live owner does not go on may hold up messages behind it, before the
  /// others go around it. Nothing is lost by that: its owner claims a new place when it goes on.
  std::chrono::nanoseconds patience = std::chrono::milliseconds(10);
  /// Access mode of a queue's file when creating, exactly (no umask). Any bit for group or others
  /// also says that a queue of another owner may be opened.
  unsigned permissions = 0600;
  /// How long a blocking call spins before it yields and then sleeps. 0: sleep at once.
  std::chrono::nanoseconds spin = std::chrono::microseconds(20);
};

/// Where queues live that name no directory: a directory of the calling user's own in shared
/// memory (/dev/shm/millrace-UID on Linux), else in the system's temporary directory. Not created
/// by this call.
[[nodiscard]] std::filesystem::path default_directory();

}  // namespace millrace
