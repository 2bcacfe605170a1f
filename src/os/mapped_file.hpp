// Files that are mapped into memory and shared by their name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace millrace::os {

/// Which file a name led to.
struct file_id {
  std::uint64_t device = 0;
  std::uint64_t node = 0;
  friend auto operator<=>(const file_id&, const file_id&) = default;
};

enum class access {
  read_only,
  read_write
};

/// A regular file, open. Errors are thrown as millrace::error and name the path.
class file {
 public:
  /// A file without a name, of `size` bytes that the file system has set aside for it, so that
  /// touching them cannot fail later. It vanishes unless it is given a name.
  [[nodiscard]] static file create_nameless(const std::filesystem::path& path, std::size_t size,
                                            unsigned permissions);

  /// Opens what `path` names: nothing if there is no such file; errc::not_a_queue for a link, a
  /// directory or any other kind; errc::wrong_owner for another user's, unless `foreign` allows it.
  [[nodiscard]] static std::optional<file> open(const std::filesystem::path& path, access how,
                                                bool foreign);

  file(file&& other) noexcept;
  file& operator=(file&&) = delete;
  ~file();

  /// Gives a nameless file its name, at once and whole. False: the name is taken.
  [[nodiscard]] bool publish();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] file_id id() const;
  /// Copies the file's first bytes; how many there were.
  [[nodiscard]] std::size_t read(void* to, std::size_t size) const;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  file(std::filesystem::path path, int descriptor) noexcept;
  std::filesystem::path path_;
  int descriptor_;
  std::string private_name_;  // where the system knows no nameless files
};

/// A file's bytes in memory, shared with everyone who maps it. Keeps no descriptor open.
class mapping {
 public:
  mapping(const file& f, access how);
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping();

  [[nodiscard]] std::byte* data() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct region;
  std::unique_ptr<region> region_;
};

/// Which file has this name now; nothing if none.
[[nodiscard]] std::optional<file_id> identify(const std::filesystem::path& path);

/// Takes the name away. Not an error if it is gone.
void unlink(const std::filesystem::path& path);

/// Makes a directory for the calling user alone, or makes sure that the one there is that.
void make_private_directory(const std::filesystem::path& path);

/// Bytes of a page of memory.
[[nodiscard]] std::size_t page_size();

}  // namespace millrace::os
