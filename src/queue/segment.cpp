// Making, opening, checking, mapping and removing a queue's file.
#include "queue/segment.hpp"

#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "core/fail.hpp"
#include "os/fork_watch.hpp"
#include "os/named_semaphore.hpp"

namespace millrace::detail {

namespace {

geometry sizes_of(const identity& id) noexcept {
  return {id.slots_log2, id.block_log2};
}

/// Segments that this process has mapped for writing. Guarded by os::fork_mutex().
struct attached_segments {
  std::map<os::file_id, std::weak_ptr<segment>> by_file;
};

/// Never destroyed: static objects may open or remove queues late.
attached_segments& attached() {
  static auto* all = new attached_segments;
  return *all;
}

}  // namespace

bool segment::create(const std::filesystem::path& path, const queue_options& options) {
  const geometry sizes = geometry::of(options, path.string());
  os::file f = os::file::create_nameless(path, sizes.file_size(), options.permissions);
  const os::mapping memory(f, os::access::read_write);

  auto* const head = new (memory.data()) header{};
  std::random_device random;
  const auto draw = [&] { return std::uint64_t{random()} << 32 | random(); };
  identity& id = head->id;
  id = identity{.magic = identity::magic_value,
                .version = identity::current_version,
                .permissions = options.permissions,
                .fingerprint = layout_fingerprint(),
                .file_size = sizes.file_size(),
                .slots_log2 = sizes.slots_log2,
                .block_log2 = sizes.block_log2,
                .life = static_cast<std::uint8_t>(lifetime{options.life}),
                .guarantee = static_cast<std::uint8_t>(delivery{options.guarantee}),
                .publishers = static_cast<std::uint8_t>(role{options.publishers}),
                .subscribers = static_cast<std::uint8_t>(role{options.subscribers}),
                .reserved = 0,
                .instance = {draw(), draw()},
                .checksum = 0};
  id.checksum = checksum(id);

  const position start = first_lap << sizes.slots_log2;
  head->where.publish.store(start, std::memory_order_relaxed);
  head->where.subscribe.store(start, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < table_size; ++i) {
    new (memory.data() + participants_offset + i * sizeof(participant_record)) participant_record{};
  }
  for (std::size_t i = 0; i < sizes.slots(); ++i) {
    auto* const s = new (memory.data() + slots_offset + i * sizeof(slot<native_atomics>))
        slot<native_atomics>{};
    s->word.store(word::free(static_cast<std::uint32_t>(first_lap)).bits,
                  std::memory_order_relaxed);
  }
  return f.publish();
}

bool segment::looks_like_queue(const os::file& f) {
  std::uint64_t magic = 0;
  return f.read(&magic, sizeof magic) == sizeof magic && magic == identity::magic_value;
}

identity segment::inspect(const os::file& f) {
  const std::string path = f.path().string();
  identity id{};
  const std::size_t found = f.read(&id, sizeof id);
  if (found < sizeof id) {
    fail(errc::not_a_queue, path, "reading its header",
         fmt::format("expected at least {} bytes, found {}", sizeof id, found));
  }
  if (id.magic != identity::magic_value) {
    fail(errc::not_a_queue, path, "reading its header",
         fmt::format("expected to begin with 0x{:016x}, found 0x{:016x}", identity::magic_value,
                     id.magic));
  }
  if (id.version != identity::current_version) {
    fail(
        errc::version_mismatch, path, "reading its header",
        fmt::format("expected format version {}, found {}", identity::current_version, id.version));
  }
  if (id.fingerprint != layout_fingerprint()) {
    fail(errc::layout_mismatch, path, "reading its header",
         fmt::format("expected layout 0x{:016x}, found 0x{:016x}", layout_fingerprint(),
                     id.fingerprint));
  }
  if (id.checksum != checksum(id)) {
    fail(errc::corrupted, path, "reading its header",
         fmt::format("expected checksum 0x{:016x}, found 0x{:016x}", checksum(id), id.checksum));
  }
  // Nobody wrote these by accident; still, they are what everything below is computed from.
  const bool sane = id.slots_log2 >= 6 && id.slots_log2 <= word::span_bits && id.block_log2 >= 6 &&
                    id.block_log2 <= 30 && id.slots_log2 + id.block_log2 <= 46 && id.life <= 1 &&
                    id.guarantee <= 1 && id.publishers <= 1 && id.subscribers <= 1 &&
                    id.file_size == sizes_of(id).file_size();
  if (!sane) {
    fail(errc::corrupted, path, "reading its header", "its parameters make no sense");
  }
  if (f.size() != id.file_size) {
    fail(errc::not_a_queue, path, "reading its header",
         fmt::format("expected a file of {} bytes, found {}", id.file_size, f.size()));
  }
  return id;
}

segment::segment(const os::file& f, os::access how)
    : path_(f.path()), file_(f.id()), id_(inspect(f)), sizes_(sizes_of(id_)), memory_(f, how) {
  if (memory_.size() != id_.file_size) {
    fail(errc::corrupted, path_.string(), "mapping it into memory",
         fmt::format("expected {} bytes, found {}", id_.file_size, memory_.size()));
  }
}

std::shared_ptr<segment> segment::attach(const os::file& f, os::access how) {
  if (how == os::access::read_only) {
    return std::make_shared<segment>(f, how);
  }
  attached_segments& all = attached();
  const std::lock_guard lock(os::fork_mutex());
  std::erase_if(all.by_file, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<segment>& known = all.by_file[f.id()];
  std::shared_ptr<segment> result = known.lock();
  // The same file can have got another name, or shrunk, since it was mapped.
  if (result == nullptr || result->path() != f.path() || f.size() != result->id_.file_size) {
    result = std::make_shared<segment>(f, how);
    known = result;
  }
  return result;
}

header& segment::head() const noexcept {
  return *std::launder(reinterpret_cast<header*>(memory_.data()));
}

participant_record& segment::participant(std::uint32_t i) const noexcept {
  return std::launder(
      reinterpret_cast<participant_record*>(memory_.data() + participants_offset))[i];
}

ring<native_atomics> segment::ring() const noexcept {
  auto* const slots =
      std::launder(reinterpret_cast<slot<native_atomics>*>(memory_.data() + slots_offset));
  std::byte* const blocks =
      memory_.data() + slots_offset + sizes_.slots() * sizeof(slot<native_atomics>);
  return {slots, blocks, head().where, sizes_.slots_log2, sizes_.block_log2};
}

std::string segment::semaphore_name(const identity& id, char which) {
  return fmt::format("millrace-{:016x}{:016x}-{}", id.instance[0], id.instance[1], which);
}

void segment::remove_semaphores(const identity& id) {
  os::named_semaphore::remove(semaphore_name(id, not_empty));
  os::named_semaphore::remove(semaphore_name(id, not_full));
}

void segment::remove_semaphores(const os::file& f) {
  identity id{};
  if (f.read(&id, sizeof id) == sizeof id && id.version == identity::current_version &&
      id.checksum == checksum(id)) {
    remove_semaphores(id);
  }
}

void fail_not_found(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto directory = path.parent_path();
  fail(errc::not_found, path.string(), "opening",
       std::filesystem::is_directory(directory, ignored)
           ? "there is no queue of this name"
           : fmt::format("there is no directory '{}'", directory.string()));
}

std::unique_ptr<os::lease_file> leases_of(const segment& queue) {
  try {
    return os::lease_file::open(queue.path(), queue.file());
  } catch (const error&) {
    return nullptr;
  }
}

void announce_removal(const segment& queue) {
  queue.head().events.fetch_or(header::removed, std::memory_order_seq_cst);
  wake_everybody(queue);
}

void wake_everybody(const segment& queue) {
  header& head = queue.head();
  const auto wake_all = [&](doorbell<native_atomics>& bell, const std::string& name) {
    if (!bell.anybody()) {
      return;
    }
    os::named_semaphore semaphore(name, queue.permissions(), queue.path().string());
    // Bounded, in case the count makes no sense.
    for (std::uint32_t i = 0; i < table_size && bell.take_one(); ++i) {
      semaphore.post();
    }
  };
  wake_all(head.not_empty, queue.not_empty_name());
  wake_all(head.not_full, queue.not_full_name());
}

bool try_take_name_away(const std::filesystem::path& path, os::file_id file, os::lease_file& locks,
                        const segment* queue) {
  // The semaphores first: as long as the name is there, somebody else can finish this.
  if (queue != nullptr) {
    queue->remove_semaphores();
  }
  if (!locks.try_lock(lease_byte::unlinking)) {
    return false;
  }
  try {
    if (os::identify(path) == file) {
      os::unlink(path);
    }
  } catch (...) {
    locks.unlock(lease_byte::unlinking);
    throw;
  }
  locks.unlock(lease_byte::unlinking);
  return true;
}

void take_name_away(const std::filesystem::path& path, os::file_id file, os::lease_file& locks,
                    const segment* queue) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!try_take_name_away(path, file, locks, queue)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      fail(errc::busy, path.string(), "removing",
           "another process is in the middle of it and does not go on");
    }
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace millrace::detail
