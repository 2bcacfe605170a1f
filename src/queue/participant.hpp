// Taking part in a queue: a place in its table, held by a lease that the system drops when this
// process dies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "os/fork_watch.hpp"
#include "os/lease.hpp"
#include "os/named_semaphore.hpp"
#include "queue/segment.hpp"

namespace millrace::detail {

enum class side {
  publishes,
  subscribes
};

/// One handle's membership. Used by one thread at a time, as the handle is.
class participant {
 public:
  /// Opens or makes the queue and joins it, after cleaning up behind all who died.
  participant(std::string_view name, const queue_options& options, side which);
  participant(const participant&) = delete;
  participant& operator=(const participant&) = delete;
  /// Leaves the queue; the last one out of a transient queue removes it. The handle has put its
  /// slots in order before. In a forked child nothing happens: the membership is the parent's.
  ~participant();

  [[nodiscard]] const segment& queue() const noexcept { return *queue_; }
  [[nodiscard]] header& head() const noexcept { return *head_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  /// This participant's own record; its counters have no other writer.
  [[nodiscard]] participant_record& record() const noexcept { return *record_; }
  [[nodiscard]] os::lease_file& leases() const noexcept { return *leases_; }
  [[nodiscard]] os::named_semaphore& not_empty() const noexcept { return *not_empty_; }
  [[nodiscard]] os::named_semaphore& not_full() const noexcept { return *not_full_; }
  /// Whether this side's role is exclusive.
  [[nodiscard]] bool alone() const noexcept { return alone_; }
  /// Whether the fences of sleepers reach into this process, so that it need not fence between a
  /// plain store and a look at the sleepers.
  [[nodiscard]] bool reached_by_fences() const noexcept { return reached_by_fences_; }

  [[nodiscard]] bool forked() const noexcept { return generation_ != os::fork_generation(); }
  [[nodiscard]] bool removed() const noexcept {
    return (head_->events.load(std::memory_order_relaxed) & header::removed) != 0;
  }

  /// Throws what a call on a handle in a forked child gets.
  [[noreturn, gnu::cold]] void fail_forked() const;
  /// Throws errc::corrupted; `where` is the call that came upon it.
  [[noreturn, gnu::cold]] void fail_corrupted(std::string_view where) const;

 private:
  void open(const std::filesystem::path& path, const queue_options& options, side which);
  bool join(const queue_options& options, side which);
  void take_role(side which);
  /// Who has an exclusive role, in words.
  [[nodiscard]] std::string holder_of(side which) const;
  /// False: the queue was removed meanwhile.
  bool take_place(side which);
  void close_if_last() noexcept;
  /// Removes the queue that this handle made and could not join, unless somebody else could.
  void withdraw() noexcept;

  std::uint32_t generation_;
  std::shared_ptr<segment> queue_;
  std::unique_ptr<os::lease_file> leases_;
  std::unique_ptr<os::named_semaphore> not_empty_;
  std::unique_ptr<os::named_semaphore> not_full_;
  header* head_ = nullptr;
  participant_record* record_ = nullptr;
  std::uint32_t id_ = 0;
  bool alone_ = false;
  bool reached_by_fences_ = false;
};

/// Adds to a counter that only this thread writes.
inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace millrace::detail
