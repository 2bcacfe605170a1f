// A queue's file: made, opened, checked, mapped and removed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/queue/options.hpp>

#include "os/lease.hpp"
#include "os/mapped_file.hpp"
#include "queue/layout.hpp"

namespace millrace::detail {

/// Where the queue `name` is, or would be. Throws errc::invalid_name.
[[nodiscard]] std::filesystem::path queue_path(std::string_view name,
                                               const std::filesystem::path& directory);

/// Sizes of a queue, in powers of two.
struct geometry {
  unsigned slots_log2;
  unsigned block_log2;

  /// What these options mean for a new queue. Throws errc::invalid_option.
  [[nodiscard]] static geometry of(const queue_options& options, const std::string& queue);

  [[nodiscard]] std::size_t slots() const noexcept { return std::size_t{1} << slots_log2; }
  [[nodiscard]] std::size_t block_size() const noexcept { return std::size_t{1} << block_log2; }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots() << block_log2; }
  [[nodiscard]] std::size_t file_size() const noexcept;
};

/// A queue's file in memory, checked: its parameters are copies that nobody else can change.
/// Handles of one process share one. Thread-safe.
class segment {
 public:
  /// Makes a queue's file, whole, and gives it its name. False: the name is taken.
  static bool create(const std::filesystem::path& path, const queue_options& options);

  /// Maps and checks an open file. Throws errc::not_a_queue, version_mismatch, layout_mismatch,
  /// corrupted.
  [[nodiscard]] static std::shared_ptr<segment> attach(const os::file& f, os::access how);

  /// Reads what a file says it is, and checks all of it that can be checked without mapping.
  [[nodiscard]] static identity inspect(const os::file& f);
  /// Whether the file begins like a queue of any format version.
  [[nodiscard]] static bool looks_like_queue(const os::file& f);

  segment(const os::file& f, os::access how);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] os::file_id file() const noexcept { return file_; }
  [[nodiscard]] const geometry& sizes() const noexcept { return sizes_; }
  [[nodiscard]] lifetime life() const noexcept { return static_cast<lifetime>(id_.life); }
  [[nodiscard]] delivery guarantee() const noexcept { return static_cast<delivery>(id_.guarantee); }
  [[nodiscard]] role publishers() const noexcept { return static_cast<role>(id_.publishers); }
  [[nodiscard]] role subscribers() const noexcept { return static_cast<role>(id_.subscribers); }
  [[nodiscard]] unsigned permissions() const noexcept { return id_.permissions; }
  [[nodiscard]] bool once() const noexcept { return guarantee() == delivery::at_most_once; }

  [[nodiscard]] header& head() const noexcept;
  [[nodiscard]] participant_record& participant(std::uint32_t i) const noexcept;
  [[nodiscard]] detail::ring<native_atomics> ring() const noexcept;

  /// Whether the queue was removed while it is still mapped here.
  [[nodiscard]] bool removed() const noexcept {
    return (head().events.load(std::memory_order_acquire) & header::removed) != 0;
  }

  /// The names of the semaphores that subscribers and publishers sleep on.
  [[nodiscard]] std::string not_empty_name() const { return semaphore_name(id_, not_empty); }
  [[nodiscard]] std::string not_full_name() const { return semaphore_name(id_, not_full); }

  /// Takes away the names of those semaphores, which are this queue's alone.
  void remove_semaphores() const { remove_semaphores(id_); }
  /// The same for a file that cannot be attached, if it still says which they are.
  static void remove_semaphores(const os::file& f);

  /// Throws errc::option_mismatch when a chosen option differs from what the queue has.
  void require(const queue_options& options) const;

 private:
  static constexpr char not_empty = 'e';
  static constexpr char not_full = 'f';
  [[nodiscard]] static std::string semaphore_name(const identity& id, char which);
  static void remove_semaphores(const identity& id);

  std::filesystem::path path_;
  os::file_id file_;
  identity id_;
  geometry sizes_;
  os::mapping memory_;
};

/// Throws errc::not_found: nothing has this name, of which its directory may be the reason.
[[noreturn]] void fail_not_found(const std::filesystem::path& path);

/// To ask who lives. Nothing without the right to write to the file, which asking takes.
[[nodiscard]] std::unique_ptr<os::lease_file> leases_of(const segment& queue);

/// Marks a queue as removed, so that nobody joins it any more and those attached find out, and
/// wakes them all.
void announce_removal(const segment& queue);

/// Wakes all who sleep, from outside.
void wake_everybody(const segment& queue);

/// Takes away the name of `path` if it still leads to `file`, and `queue`'s semaphores if given.
/// Only one at a time does this to one file, or a queue made meanwhile could lose its name. False:
/// somebody else is doing it. Enough for those who do not need the name themselves: whoever does
/// finishes what is left.
bool try_take_name_away(const std::filesystem::path& path, os::file_id file, os::lease_file& locks,
                        const segment* queue);
/// The same, by the time this returns. Throws errc::busy when somebody else who does it does not go
/// on.
void take_name_away(const std::filesystem::path& path, os::file_id file, os::lease_file& locks,
                    const segment* queue);

}  // namespace millrace::detail
