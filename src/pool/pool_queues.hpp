// The queues of a process_pool: two for each worker, one there and one back.
//
// The pool is the exclusive publisher of the requests and the exclusive subscriber of the replies,
// the worker the other way round. So the system knows, by the leases of the roles of the queue of
// requests (src/os/lease.hpp), who lives:
//
//     only_publisher is held    the pool does     its worker looks ten times a second
//     only_subscriber is held   the worker does   the pool looks ten times a second, and at once
//     when
//                                                 the child process ends
//
// They are transient: the last participant that leaves takes the files away. One that is killed
// cannot, so a worker removes all queues of its pool when that died; if all of them were killed at
// once, the next pool in the same directory does (remove_deserted).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/queue/options.hpp>

#include "os/lease.hpp"

namespace millrace::detail {

/// What the names of all queues of all pools begin with.
inline constexpr std::string_view pool_prefix = "process-pool.";

/// A name that no other pool has.
[[nodiscard]] std::string new_pool_name();

[[nodiscard]] std::string requests_of(const std::string& pool, std::size_t worker);
[[nodiscard]] std::string replies_of(const std::string& pool, std::size_t worker);

/// How the pool opens both, and, by open_only and without a capacity, the worker.
[[nodiscard]] queue_options pool_queue_options(const std::filesystem::path& directory,
                                               std::chrono::nanoseconds spin);

/// Removes all queues of a pool, whoever is in them.
void remove_queues(const std::string& pool, const std::filesystem::path& directory);

/// Of the queues whose names begin so, removes those of which every participant died, and those
/// that nobody has joined ten seconds after they were made.
void remove_deserted(std::string_view prefix, const std::filesystem::path& directory);

/// Who lives, at the two ends of a worker's queues.
class mutual_leases {
 public:
  /// Nothing can be asked of a queue that is removed: then nobody lives.
  mutual_leases(const std::string& requests, const std::filesystem::path& directory);

  [[nodiscard]] bool pool_lives() const;
  [[nodiscard]] bool worker_lives() const;

 private:
  std::unique_ptr<os::lease_file> leases_;
};

}  // namespace millrace::detail
