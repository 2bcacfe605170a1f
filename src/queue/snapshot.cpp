// Reading a queue's memory twice over.
#include "queue/snapshot.hpp"

#include <atomic>

namespace millrace::detail {

namespace {

std::vector<word> words_of(const ring<native_atomics>& ring) {
  std::vector<word> words(ring.size());
  for (position p = 0; p < ring.size(); ++p) {
    words[p] = ring.load(p);
  }
  return words;
}

place place_of(const segment& queue, const os::lease_file* leases, std::uint32_t id) {
  const participant_record& record = queue.participant(id);
  const auto get = [](const auto& field) { return field.load(std::memory_order_relaxed); };
  place p;
  p.dirty = record.dirty.load(std::memory_order_acquire);
  p.pid = get(record.pid);
  p.publishes = get(record.publishes);
  p.asleep = get(record.asleep);
  // Those of the present holder first, since the counters grow meanwhile.
  const std::uint64_t messages = get(record.messages_before);
  const std::uint64_t bytes = get(record.bytes_before);
  const std::uint64_t redeliveries = get(record.redeliveries_before);
  std::atomic_thread_fence(std::memory_order_acquire);
  p.counts_back = messages > get(record.published) + get(record.finished) ||
                  bytes > get(record.published_bytes) + get(record.finished_bytes) ||
                  redeliveries > get(record.redeliveries);
  if (p.dirty != 0) {
    p.held = leases == nullptr || leases->held_by_others(id, 1);
    // Who leaves says so before it lets go of its lease.
    p.dirty = record.dirty.load(std::memory_order_acquire);
  }
  return p;
}

}  // namespace

snapshot read(const segment& queue, const os::lease_file* leases) {
  const auto ring = queue.ring();
  const header& head = queue.head();
  snapshot s;
  s.before = words_of(ring);
  s.publish_hint = ring.where().publish.load(std::memory_order_relaxed);
  s.subscribe_hint = ring.where().subscribe.load(std::memory_order_relaxed);
  s.joined = head.joined.load(std::memory_order_relaxed);
  s.removed = queue.removed();
  for (std::uint32_t id = 0; id < table_size; ++id) {
    s.places[id] = place_of(queue, leases, id);
  }
  s.shapes.resize(ring.size());
  for (position p = 0; p < ring.size(); ++p) {
    s.shapes[p] = {ring.at(p).shape.load(std::memory_order_relaxed)};
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  s.words = words_of(ring);
  return s;
}

std::uint32_t stale_announcements(const segment& queue, bool publishers) noexcept {
  const std::uint32_t announced = (publishers ? queue.head().not_full : queue.head().not_empty)
                                      .sleepers.load(std::memory_order_relaxed);
  std::uint32_t asleep = 0;
  for (std::uint32_t id = 0; id < table_size; ++id) {
    const participant_record& record = queue.participant(id);
    const bool its_side = (record.publishes.load(std::memory_order_relaxed) != 0) == publishers;
    asleep += its_side && record.asleep.load(std::memory_order_relaxed) != 0 ? 1 : 0;
  }
  return announced > asleep + table_size ? announced - asleep : 0;
}

}  // namespace millrace::detail
