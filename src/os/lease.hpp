// Locks on bytes of a file that the system itself drops when their holder dies: while it is merely
// stopped they stay, clocks play no part, and process numbers neither.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "os/fork_watch.hpp"
#include "os/mapped_file.hpp"

namespace millrace::os {

/// One open file description of a file, with the locks that belong to it. It is never the one that
/// the file was mapped through: a mapping keeps its description alive, and the locks with it, in
/// forked children too. The locks cover bytes far behind the file's end, so they are in nobody's
/// way on systems where locks forbid access.
class lease_file {
 public:
  /// Opens `path` anew; nothing if that is not the file `expected` (any more).
  [[nodiscard]] static std::unique_ptr<lease_file> open(const std::filesystem::path& path,
                                                        file_id expected);

  /// Takes the lock on byte `which` unless somebody else has it.
  [[nodiscard]] bool try_lock(std::uint32_t which);
  void unlock(std::uint32_t which) noexcept;

  /// Whether anybody else holds a lock on any of `count` bytes from `first`.
  [[nodiscard]] bool held_by_others(std::uint32_t first, std::uint32_t count) const;

 private:
  explicit lease_file(std::filesystem::path path);
  std::filesystem::path path_;
  private_descriptor descriptor_;
};

}  // namespace millrace::os
