// The log of mishaps in a queue's header: who died or stood still, and what was done about it.
#pragma once

#include <cstdint>
#include <vector>

#include <millrace/queue/inspect.hpp>

#include "queue/layout.hpp"

namespace millrace::detail {

/// What was found in the hands of somebody who died, in messages.
struct hands {
  std::uint64_t abandoned = 0;
  std::uint64_t orphaned = 0;
  std::uint64_t dropped = 0;
};

/// Adds a line about participant `victim`. May be killed, or sleep, at any step: that costs lines,
/// never anybody's time.
void note(incident_log& log, std::uint32_t victim, const participant_record& record,
          const hands& found) noexcept;

/// The whole lines of both logs, oldest first.
[[nodiscard]] std::vector<incident> incidents_of(const header& head);

}  // namespace millrace::detail
