// Looking at queues without taking part, and removing them.
#include <millrace/queue/inspect.hpp>

#include <algorithm>
#include <cstring>

#include "core/fail.hpp"
#include "queue/incidents.hpp"
#include "queue/segment.hpp"

namespace millrace {

using namespace detail;

namespace {

struct opened {
  os::file file;
  std::shared_ptr<segment> queue;
};

/// Whether a word stands for a message that an exclusive subscriber, being there, reads in place.
bool read_in_place(word w, shape s, bool reader) noexcept {
  return reader && w.is(state::ready) && s.has(shape::handed_out);
}

/// Maps an existing queue for reading. It need not be the caller's own: the system's permissions
/// decide.
opened look_at(std::string_view name, const std::filesystem::path& directory) {
  const auto path = queue_path(name, directory);
  auto file = os::file::open(path, os::access::read_only, true);
  if (!file) {
    fail_not_found(path);
  }
  auto queue = segment::attach(*file, os::access::read_only);
  if (queue->removed()) {
    fail(errc::not_found, path.string(), "opening", "it is being removed");
  }
  return {std::move(*file), std::move(queue)};
}

std::uint64_t get(const std::atomic<std::uint64_t>& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}

bool has_exclusive_subscriber(const segment& queue, const os::lease_file* leases) {
  return queue.subscribers() == role::exclusive &&
         (leases == nullptr || leases->held_by_others(lease_byte::only_subscriber, 1));
}

void add_words(const segment& queue, bool reader, queue_info& info) {
  const auto ring = queue.ring();
  for (position p = 0; p < ring.size();) {
    const word w = ring.load(p);
    if (w.is(state::free) || !ring.sound(p, w)) {
      ++p;
      continue;
    }
    info.used_slots += w.span();
    switch (w.state()) {
    case state::ready:
    case state::orphan: {
      const shape s{ring.at(p).shape.load(std::memory_order_relaxed)};
      if (read_in_place(w, s, reader)) {
        ++info.in_hands;
        break;
      }
      ++info.depth;
      info.depth_bytes += ring.sound(w, s) ? s.length() : 0;
      break;
    }
    case state::taken:
      ++info.in_hands;
      break;
    case state::claimed:
      ++info.in_progress;
      break;
    default:
      break;
    }
    p += w.span();
  }
}

void add_participants(const segment& queue, const os::lease_file* leases, queue_info& info) {
  for (std::uint32_t i = 0; i < table_size; ++i) {
    const participant_record& r = queue.participant(i);
    info.published += get(r.published);
    info.published_bytes += get(r.published_bytes);
    info.finished += get(r.finished);
    info.finished_bytes += get(r.finished_bytes);
    info.redeliveries += get(r.redeliveries);
    info.recoveries += get(r.recoveries);
    info.abandoned += get(r.abandoned);
    info.revocations += get(r.revocations);
    if (r.dirty.load(std::memory_order_acquire) == 0) {
      continue;
    }
    info.participants.push_back(
        {.id = i,
         .pid = r.pid.load(std::memory_order_relaxed),
         .publishes = r.publishes.load(std::memory_order_relaxed) != 0,
         .alive = leases == nullptr || leases->held_by_others(i, 1),
         .messages = get(r.published) + get(r.finished) - get(r.messages_before),
         .bytes = get(r.published_bytes) + get(r.finished_bytes) - get(r.bytes_before),
         .redeliveries = get(r.redeliveries) - get(r.redeliveries_before)});
  }
}

/// Whether a slot's message can be copied; its bytes move under the copy, so the word must be the
/// same afterwards.
bool copy_message(const ring<native_atomics>& ring, position p, word seen, bool reader,
                  peeked_message& m) {
  const shape s{ring.at(p).shape.load(std::memory_order_relaxed)};
  if (read_in_place(seen, s, reader) || !ring.sound(p, seen) || !ring.sound(seen, s)) {
    return false;
  }
  const std::byte* const from = s.has(shape::in_blocks) ? ring.block(p) : ring.at(p).inline_bytes;
  m.bytes.assign(from, from + s.length());
  std::atomic_thread_fence(std::memory_order_acquire);
  m.redelivered = seen.is(state::orphan) || s.has(shape::handed_out);
  return ring.load(p) == seen;
}

}  // namespace

std::vector<std::string> list(const std::filesystem::path& directory) {
  const auto place = directory.empty() ? default_directory() : directory;
  std::vector<std::string> names;
  std::error_code failure;
  std::filesystem::directory_iterator entries(place, failure);
  if (failure == std::errc::no_such_file_or_directory) {
    return names;
  }
  if (failure) {
    fail_system(failure.value(), place.string(), "listing queues");
  }
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    try {
      (void)queue_path(name, place);
      const auto file = os::file::open(entry.path(), os::access::read_only, true);
      if (file && segment::looks_like_queue(*file)) {
        names.push_back(name);
      }
    } catch (const error&) {
      // Not a queue, or none of ours to read.
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

queue_info stat(std::string_view name, const std::filesystem::path& directory) {
  const auto [file, queue] = look_at(name, directory);
  queue_info info{};
  info.name = name;
  info.path = queue->path();
  info.capacity = queue->sizes().capacity();
  info.block_size = queue->sizes().block_size();
  info.slots = queue->sizes().slots();
  info.file_size = queue->sizes().file_size();
  info.life = queue->life();
  info.guarantee = queue->guarantee();
  info.publishers = queue->publishers();
  info.subscribers = queue->subscribers();
  const auto leases = leases_of(*queue);
  add_words(*queue, has_exclusive_subscriber(*queue, leases.get()), info);
  add_participants(*queue, leases.get(), info);
  info.incidents = incidents_of(queue->head());
  return info;
}

std::vector<peeked_message> peek(std::string_view name, std::size_t count,
                                 const std::filesystem::path& directory) {
  const auto [file, queue] = look_at(name, directory);
  const auto ring = queue->ring();
  const bool reader = has_exclusive_subscriber(*queue, leases_of(*queue).get());
  std::vector<peeked_message> result;
  const auto consider = [&](position p, word seen) {
    peeked_message m;
    if (result.size() < count && copy_message(ring, p, seen, reader, m)) {
      result.push_back(std::move(m));
    }
  };
  // Messages that came back are delivered first.
  for (position p = 0; p < ring.size() && result.size() < count;) {
    const word w = ring.load(p);
    const bool whole = w.is(state::orphan) && ring.sound(p, w);
    if (whole) {
      consider(p, w);
    }
    p += whole ? w.span() : 1;  // no byte is copied twice, whatever the words say
  }
  // From the subscribers' hint, which is never past a waiting message, once round the ring.
  const position start = ring.where().subscribe.load(std::memory_order_relaxed);
  for (position p = start; p - start < 2 * ring.size() && result.size() < count;) {
    const word w = ring.load(p);
    const std::int32_t ahead = laps_between(w.lap(), ring.lap(p));
    if (ahead < 0 || (ahead == 0 && (w.is(state::free) || w.held()))) {
      break;
    }
    if (ahead == 0 && w.is(state::ready)) {
      consider(p, w);
    }
    const bool whole = (ahead == 0 || w.held()) && ring.sound(p, w);
    p += whole ? w.span() : 1;
  }
  return result;
}

bool remove(std::string_view name, const std::filesystem::path& directory) {
  const auto path = queue_path(name, directory);
  const auto file = os::file::open(path, os::access::read_write, true);
  if (!file) {
    return false;
  }
  if (!segment::looks_like_queue(*file)) {
    fail(errc::not_a_queue, path.string(), "removing",
         "the file of this name was not made by millrace; it stays");
  }
  const auto leases = os::lease_file::open(path, file->id());
  if (leases == nullptr) {
    return false;
  }
  std::shared_ptr<segment> queue;
  try {
    queue = segment::attach(*file, os::access::read_write);
    announce_removal(*queue);
  } catch (const error&) {
    // Of another format, or damaged: nobody can be told, but it can go.
    segment::remove_semaphores(*file);
  }
  take_name_away(path, file->id(), *leases, queue.get());
  return true;
}

}  // namespace millrace
