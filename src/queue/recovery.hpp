// Finding out who died, and cleaning up after them.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "queue/participant.hpp"
#include "queue/segment.hpp"

namespace millrace::detail {

/// Cleans up after participant `dead`, whose lease the caller holds, and moves the queue's epoch on
/// so that subscribers look for messages that came back. Waking them is the caller's.
void clean_up_after(const segment& queue, std::uint32_t dead) noexcept;

/// Leaves a line in the queue's log: the claim of `owner`, which stands still, was gone around.
void note_revocation(const segment& queue, std::uint32_t owner) noexcept;

/// Asks for the lease of `suspect`, and cleans up after it if it is gone. True: that was so. Enters
/// the kernel. `self` is the caller's own place, which it never suspects.
bool recover_if_dead(const segment& queue, os::lease_file& leases, std::uint32_t self,
                     std::uint32_t suspect);

/// The same for everybody who has not left cleanly. True: somebody was dead.
bool recover_all(const segment& queue, os::lease_file& leases, std::uint32_t self);

/// Looks at all words every few milliseconds for records in others' hands, and asks the system
/// whether those live who have held the same one since the last look. While messages flow, or
/// nobody holds any, this never enters the kernel.
class watch {
 public:
  explicit watch(participant& self);

  /// For moments when there is nothing to do, or `n` such moments; reads the clock now and then.
  /// True: a message came back, so subscribers should search for it. Whoever gave it back, or
  /// recovered who had it, may be frozen before it could say so.
  bool tick(std::uint64_t n = 1) {
    ticks_ += n;
    if (ticks_ < ticks_between_clocks) {
      return false;
    }
    ticks_ = 0;
    return look_if_due();
  }
  /// Reads the clock.
  bool look_if_due();

 private:
  static constexpr std::uint64_t ticks_between_clocks = 64;

  /// A record in a participant's hands, as of the last look.
  struct holding {
    std::uint64_t word = ~std::uint64_t{0};  // that of no record
    position at = 0;
  };

  bool look();

  participant* self_;
  std::vector<holding> seen_;  // by participant
  std::chrono::nanoseconds period_;
  std::chrono::steady_clock::time_point due_;
  std::uint64_t ticks_ = 0;
};

}  // namespace millrace::detail
