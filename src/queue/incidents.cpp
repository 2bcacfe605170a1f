// The log of mishaps in a queue's header.
#include "queue/incidents.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "os/process.hpp"

namespace millrace::detail {

namespace {

/// A line in one's own memory, where nobody writes over it.
struct entry {
  std::uint64_t number;
  std::uint64_t time;
  std::uint64_t place;
  std::uint64_t pids;
  hands found;

  [[nodiscard]] std::uint64_t checksum() const noexcept {
    std::uint64_t h = layout_fingerprint();
    for (const std::uint64_t part :
         {number, time, place, pids, found.abandoned, found.orphaned, found.dropped}) {
      h = hash(h, part);
    }
    return h;
  }
};

constexpr std::uint64_t pair(std::uint32_t low, std::uint32_t high) noexcept {
  return std::uint64_t{high} << 32 | low;
}

void write(incident_line& line, const entry& e) noexcept {
  line.number.store(e.number, std::memory_order_relaxed);
  line.time.store(e.time, std::memory_order_relaxed);
  line.place.store(e.place, std::memory_order_relaxed);
  line.pids.store(e.pids, std::memory_order_relaxed);
  line.abandoned.store(e.found.abandoned, std::memory_order_relaxed);
  line.orphaned.store(e.found.orphaned, std::memory_order_relaxed);
  line.dropped.store(e.found.dropped, std::memory_order_relaxed);
  line.checksum.store(e.checksum(), std::memory_order_relaxed);
}

/// Nothing: never written, or not whole.
std::optional<incident> read(const incident_line& line, mishap what) noexcept {
  const auto get = [](const std::atomic<std::uint64_t>& part) {
    return part.load(std::memory_order_relaxed);
  };
  const entry e{get(line.number),
                get(line.time),
                get(line.place),
                get(line.pids),
                {get(line.abandoned), get(line.orphaned), get(line.dropped)}};
  if (get(line.checksum) != e.checksum()) {
    return std::nullopt;
  }
  using std::chrono::system_clock;
  const std::chrono::nanoseconds since_1970(static_cast<std::int64_t>(e.time));
  return incident{.what = what,
                  .when = system_clock::time_point(
                      std::chrono::duration_cast<system_clock::duration>(since_1970)),
                  .id = static_cast<std::uint32_t>(e.place),
                  .pid = static_cast<std::uint32_t>(e.pids),
                  .publishes = e.place >> 32 != 0,
                  .by = static_cast<std::uint32_t>(e.pids >> 32),
                  .abandoned = e.found.abandoned,
                  .orphaned = e.found.orphaned,
                  .dropped = e.found.dropped};
}

}  // namespace

void note(incident_log& log, std::uint32_t victim, const participant_record& record,
          const hands& found) noexcept {
  const std::uint64_t before = log.begun.fetch_add(1, std::memory_order_relaxed);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  write(log.lines[before % log.lines.size()],
        {.number = before + 1,
         .time = static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()),
         .place = pair(victim, record.publishes.load(std::memory_order_relaxed)),
         .pids = pair(record.pid.load(std::memory_order_relaxed), os::process_number()),
         .found = found});
}

std::vector<incident> incidents_of(const header& head) {
  std::vector<incident> result;
  const auto add = [&](const incident_log& log, mishap what) {
    for (const incident_line& line : log.lines) {
      if (const auto whole = read(line, what)) {
        result.push_back(*whole);
      }
    }
  };
  add(head.deaths, mishap::death);
  add(head.revocations, mishap::revocation);
  std::sort(result.begin(), result.end(),
            [](const incident& a, const incident& b) { return a.when < b.when; });
  return result;
}

}  // namespace millrace::detail
