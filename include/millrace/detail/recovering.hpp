// Cleaning up after a participant that is known to be gone.
#pragma once

#include <millrace/detail/ring.hpp>

namespace millrace::detail {

/// For those who do not want to know what was found.
struct uncounted {
  void operator()(state) const noexcept {}
};

/// Finishes whatever `id` was doing in the ring. The caller holds the lease of `id`, so that nobody
/// else recovers it or uses the id; no walker waits for this to end. It may die at any step and be
/// begun again by another: each word goes its way by single exchanges, each of which leaves the
/// word in a state from which this goes on. Words that no correct process writes are passed over.
/// `found(state)` is called after each claimed record became padding, and each taken one an orphan
/// or, with `once`, free: at once, so that a count misses no more than one of them to a death.
template <class A, class Found = uncounted>
void recover(const ring<A>& ring, std::uint32_t id, bool once, Found found = {}) noexcept {
  for (position p = 0; p < ring.size(); ++p) {
    word seen = ring.load(p);
    while (seen.owned_by(id) && ring.sound(p, seen)) {
      switch (seen.state()) {
      case state::claimed:
        if (ring.exchange(p, seen, seen.with(state::pad))) {
          found(state::claimed);
          seen = seen.with(state::pad);
        }
        break;
      case state::taken:
        if (ring.exchange(p, seen,
                          seen.with(once ? state::clearing : state::orphan))) {  // SYNC (c)
          found(state::taken);
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
}

}  // namespace millrace::detail
