// Joining and leaving a queue.
#include "queue/participant.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "core/fail.hpp"
#include "os/membarrier.hpp"
#include "os/process.hpp"
#include "queue/closing.hpp"
#include "queue/recovery.hpp"
#include "queue/waiting.hpp"

namespace millrace::detail {

namespace {

/// Whether an option's value is one of those that have a name, of which `last` is the last.
template <class Enum>
bool named(Enum value, Enum last) noexcept {
  return value >= Enum{} && value <= last;
}

}  // namespace

participant::participant(std::string_view name, const queue_options& options, side which)
    : generation_(os::fork_generation()) {
  const std::filesystem::path path = queue_path(name, options.directory);
  if (!named(options.open, opening::open_only) ||
      !named<lifetime>(options.life, lifetime::transient) ||
      !named<delivery>(options.guarantee, delivery::at_most_once) ||
      !named<role>(options.publishers, role::exclusive) ||
      !named<role>(options.subscribers, role::exclusive)) {
    fail(errc::invalid_option, path.string(), "checking open, life, guarantee and roles",
         "expected values that have a name, found another one");
  }
  if ((options.permissions & ~0777U) != 0 || (options.permissions & 0600U) != 0600U) {
    fail(errc::invalid_option, path.string(), "checking permissions",
         fmt::format("expected access bits up to 0777 that include 0600, found 0{:o}",
                     options.permissions));
  }
  if (options.patience < std::chrono::nanoseconds::zero() ||
      options.spin < std::chrono::nanoseconds::zero()) {
    fail(errc::invalid_option, path.string(), "checking patience and spin",
         "expected no negative time");
  }
  (void)geometry::of(options, path.string());
  if (options.directory.empty() && options.open != opening::open_only) {
    os::make_private_directory(path.parent_path());
  }
  open(path, options, which);
}

void participant::open(const std::filesystem::path& path, const queue_options& options,
                       side which) {
  using namespace std::chrono_literals;
  const bool foreign = (options.permissions & 077U) != 0;
  bool made = false;
  // Each turn ends with this handle joined, or has seen somebody else make or remove the queue. The
  // clock alone does not tell that from a process that was stopped, or is traced, in a single turn.
  constexpr int fair_number_of_turns = 100;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (int turns = 0;; ++turns) {
    if (turns >= fair_number_of_turns && std::chrono::steady_clock::now() >= deadline) {
      fail(errc::busy, path.string(), "opening", "it is made and removed again all the time");
    }
    const auto f = os::file::open(path, os::access::read_write, foreign);
    if (!f) {
      if (options.open == opening::open_only) {
        fail_not_found(path);
      }
      made = segment::create(path, options);
      continue;
    }
    if (options.open == opening::create_only && !made && !segment::looks_like_queue(*f)) {
      fail(errc::already_exists, path.string(), "creating", "there is a file of this name");
    }
    queue_ = segment::attach(*f, os::access::read_write);
    leases_ = os::lease_file::open(path, queue_->file());
    if (leases_ == nullptr) {
      continue;
    }
    // One whose last participant was killed had nobody to close the door.
    const bool used_up = queue_->life() == lifetime::transient &&
                         queue_->head().joined.load(std::memory_order_acquire) != 0 &&
                         close_if_deserted(*queue_, *leases_);
    if (used_up || queue_->removed()) {
      if (options.open == opening::open_only) {
        (void)try_take_name_away(path, queue_->file(), *leases_, queue_.get());
        fail_not_found(path);
      }
      take_name_away(path, queue_->file(), *leases_, queue_.get());
      continue;
    }
    if (options.open == opening::create_only && !made) {
      fail(errc::already_exists, path.string(), "creating", "there is a queue of this name");
    }
    try {
      if (join(options, which)) {
        return;
      }
    } catch (...) {
      if (made) {
        withdraw();
      }
      throw;
    }
  }
}

bool participant::join(const queue_options& options, side which) {
  queue_->require(options);
  head_ = &queue_->head();
  reached_by_fences_ = os::join_process_fences();
  not_empty_ = std::make_unique<os::named_semaphore>(
      queue_->not_empty_name(), queue_->permissions(), queue_->path().string());
  not_full_ = std::make_unique<os::named_semaphore>(queue_->not_full_name(), queue_->permissions(),
                                                    queue_->path().string());
  if (queue_->removed()) {
    queue_->remove_semaphores();  // which may just have been made again
    return false;
  }
  take_role(which);
  const bool any = recover_all(*queue_, *leases_, table_size);
  if (!take_place(which)) {
    return false;
  }
  if (any) {
    wake_subscribers(*this, 1);
    wake_publishers(*this);
  }
  return true;
}

void participant::take_role(side which) {
  const bool publishes = which == side::publishes;
  alone_ = (publishes ? queue_->publishers() : queue_->subscribers()) == role::exclusive;
  if (alone_ &&
      !leases_->try_lock(publishes ? lease_byte::only_publisher : lease_byte::only_subscriber)) {
    fail(errc::role_taken, queue_->path().string(), "joining",
         fmt::format("it allows one {} at a time, and {} is one",
                     publishes ? "publisher" : "subscriber", holder_of(which)));
  }
}

std::string participant::holder_of(side which) const {
  for (std::uint32_t i = 0; i < table_size; ++i) {
    const participant_record& other = queue_->participant(i);
    const bool publishes = other.publishes.load(std::memory_order_relaxed) != 0;
    if (other.dirty.load(std::memory_order_acquire) != 0 &&
        publishes == (which == side::publishes) && leases_->held_by_others(i, 1)) {
      return fmt::format("process {}", other.pid.load(std::memory_order_relaxed));
    }
  }
  return "somebody who is just joining or leaving";
}

bool participant::take_place(side which) {
  for (id_ = 0; id_ < table_size; ++id_) {
    if (leases_->try_lock(id_)) {
      break;
    }
  }
  if (id_ == table_size) {
    fail(errc::too_many_participants, queue_->path().string(), "joining",
         fmt::format("expected fewer than {} handles attached to it, found all places taken",
                     table_size));
  }
  record_ = &queue_->participant(id_);
  if (record_->dirty.load(std::memory_order_acquire) != 0) {
    clean_up_after(*queue_, id_);
  }
  head_->joined.store(1, std::memory_order_seq_cst);
  if (!keep_open(head_->events)) {
    return false;
  }
  const auto get = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  record_->pid.store(os::process_number(), std::memory_order_relaxed);
  record_->publishes.store(which == side::publishes ? 1 : 0, std::memory_order_relaxed);
  record_->revoked_in_a_row.store(0, std::memory_order_relaxed);
  record_->asleep.store(0, std::memory_order_relaxed);
  record_->messages_before.store(get(record_->published) + get(record_->finished),
                                 std::memory_order_relaxed);
  record_->bytes_before.store(get(record_->published_bytes) + get(record_->finished_bytes),
                              std::memory_order_relaxed);
  record_->redeliveries_before.store(get(record_->redeliveries), std::memory_order_relaxed);
  // Before the first step in the ring; whoever takes the lease later and sees it knows what to do.
  record_->dirty.store(1, std::memory_order_seq_cst);
  return true;
}

participant::~participant() {
  if (record_ == nullptr || forked()) {
    return;
  }
  record_->dirty.store(0, std::memory_order_release);
  leases_->unlock(id_);
  if (queue_->life() == lifetime::transient) {
    close_if_last();
  }
}

void participant::close_if_last() noexcept {
  try {
    if (close_if_deserted(*queue_, *leases_)) {
      (void)try_take_name_away(queue_->path(), queue_->file(), *leases_, queue_.get());
    }
  } catch (...) {
    // Left behind, it is removed by whoever opens the name next.
  }
}

void participant::withdraw() noexcept {
  try {
    const auto in_use = [this] {
      return queue_->head().joined.load(std::memory_order_seq_cst) != 0 ||
             leases_->held_by_others(0, table_size);
    };
    if (close_unless(queue_->head().events, in_use)) {
      (void)try_take_name_away(queue_->path(), queue_->file(), *leases_, queue_.get());
    }
  } catch (...) {
    // Left behind as a queue in order, without a message.
  }
}

void participant::fail_forked() const {
  fail(errc::forked, queue_->path().string(), "using a handle",
       "it belongs to the parent of this process; open another one here");
}

void participant::fail_corrupted(std::string_view where) const {
  fail(errc::corrupted, queue_->path().string(), where,
       "its memory holds values that no correct process writes");
}

}  // namespace millrace::detail
