// A queue's memory as it was at one moment, as far as that can be had while others write to it.
//
// Every word is read twice, the second time in the order of the slots, and everything else is read
// in between. A word never returns to a value that it had, but for one: a message given back and
// taken again by the same subscriber, which changes nothing around it. So those words that are the
// same in both readings were all so at each moment between the two readings, together, and what
// holds for any moment must hold for them; the others are in motion, and tell by that that they
// are alive.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "os/lease.hpp"
#include "queue/segment.hpp"

namespace millrace::detail {

/// A participant's record.
struct place {
  std::uint32_t dirty = 0;
  std::uint32_t pid = 0;
  std::uint32_t publishes = 0;
  std::uint32_t asleep = 0;
  bool counts_back = false;  // a counter is smaller than it was when its holder joined
  bool held = false;         // dirty only: its lease, by somebody

  [[nodiscard]] bool live() const noexcept { return dirty != 0 && held; }
  [[nodiscard]] bool dead() const noexcept { return dirty != 0 && !held; }
};

struct snapshot {
  std::vector<word> before;
  std::vector<word> words;
  std::vector<shape> shapes;
  position publish_hint = 0;
  position subscribe_hint = 0;
  std::uint32_t joined = 0;
  bool removed = false;
  std::array<place, table_size> places{};

  [[nodiscard]] bool stands(std::size_t slot) const noexcept { return before[slot] == words[slot]; }
};

/// `leases`: none without the right to ask; everybody counts as alive then.
[[nodiscard]] snapshot read(const segment& queue, const os::lease_file* leases);

/// How many announcements nobody stands behind, if they are more than places in the table. Fewer
/// prove nothing: doorbell.hpp says how correct processes come to leave some.
[[nodiscard]] std::uint32_t stale_announcements(const segment& queue, bool publishers) noexcept;

}  // namespace millrace::detail
