// Cleaning up after a participant that is known to be gone.
#pragma once

#include <millrace/detail/ring.hpp>

namespace millrace::detail {

struct recovered {
  std::uint64_t abandoned = 0;  // messages that were being written: they become padding
  std::uint64_t orphaned = 0;   // messages that were being read: to be delivered again
  std::uint64_t dropped = 0;    // the same where delivery is at most once
};

/// Finishes whatever `id` was doing in the ring. The caller holds the lease of `id`, so that nobody
/// else recovers it or uses the id; no walker waits for this to end. It may die at any step and be
/// begun again by another: each word goes its way by single exchanges, each of which leaves the
/// word in a state from which this goes on. Words that no correct process writes are passed over.
template <class A>
recovered recover(const ring<A>& ring, std::uint32_t id, bool once) noexcept {
  recovered result;
  for (position p = 0; p < ring.size(); ++p) {
    word seen = ring.load(p);
    while (seen.owned_by(id) && ring.sound(p, seen)) {
      switch (seen.state()) {
      case state::claimed:
        if (ring.exchange(p, seen, seen.with(state::pad))) {
          ++result.abandoned;
          seen = seen.with(state::pad);
        }
        break;
      case state::taken:
        if (ring.exchange(p, seen,
                          seen.with(once ? state::clearing : state::orphan))) {  // SYNC (c)
          ++(once ? result.dropped : result.orphaned);
          seen = ring.load(p);
        }
        break;
      default:  // clearing, revoked
        (void)ring.release(p, id);
        seen = ring.load(p);
        break;
      }
    }
  }
  return result;
}

}  // namespace millrace::detail
