// Names, options and ends of a pool's queues.
#include "pool/pool_queues.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/doctor.hpp>
#include <millrace/queue/inspect.hpp>

#include "queue/layout.hpp"
#include "queue/segment.hpp"

namespace millrace::detail {

namespace {

/// Calls `act` with each queue whose name begins so. Errors of one do not keep it from the next:
/// somebody else may be at the same.
template <class Act>
void for_each_queue(std::string_view prefix, const std::filesystem::path& directory, Act act) {
  for (const std::string& name : list(directory)) {
    if (name.starts_with(prefix)) {
      try {
        act(name);
      } catch (const error&) {  // gone, or of another format
      }
    }
  }
}

/// Whether a queue was made so long ago that its pool has joined it, or died before. One that has
/// been delayed for longer finds it removed, and makes another.
bool older_than_setting_up(const std::filesystem::path& path) {
  constexpr std::chrono::seconds long_enough{10};
  std::error_code gone;
  const auto made = std::filesystem::last_write_time(path, gone);
  return !gone && std::filesystem::file_time_type::clock::now() - made > long_enough;
}

}  // namespace

std::string new_pool_name() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}", pool_prefix, random(), random());
}

std::string requests_of(const std::string& pool, std::size_t worker) {
  return fmt::format("{}.{}.requests", pool, worker);
}

std::string replies_of(const std::string& pool, std::size_t worker) {
  return fmt::format("{}.{}.replies", pool, worker);
}

queue_options pool_queue_options(const std::filesystem::path& directory,
                                 std::chrono::nanoseconds spin) {
  queue_options options;
  options.directory = directory;
  options.life = lifetime::transient;
  options.publishers = role::exclusive;
  options.subscribers = role::exclusive;
  options.spin = spin;
  return options;
}

void remove_queues(const std::string& pool, const std::filesystem::path& directory) {
  for_each_queue(pool + '.', directory,
                 [&](const std::string& name) { (void)remove(name, directory); });
}

void remove_deserted(std::string_view prefix, const std::filesystem::path& directory) {
  for_each_queue(prefix, directory, [&](const std::string& name) {
    const auto participants = stat(name, directory).participants;
    if (participants.empty() && older_than_setting_up(queue_path(name, directory))) {
      (void)remove(name, directory);
    } else if (std::ranges::none_of(participants, &participant_info::alive)) {
      // Only then, as examining one that is in use takes its time.
      (void)repair(name, directory);
    }
  });
}

mutual_leases::mutual_leases(const std::string& requests, const std::filesystem::path& directory) {
  const auto path = queue_path(requests, directory);
  if (const auto file = os::identify(path)) {
    leases_ = os::lease_file::open(path, *file);
  }
}

bool mutual_leases::pool_lives() const {
  return leases_ != nullptr && leases_->held_by_others(lease_byte::only_publisher, 1);
}

bool mutual_leases::worker_lives() const {
  return leases_ != nullptr && leases_->held_by_others(lease_byte::only_subscriber, 1);
}

}  // namespace millrace::detail
