// lease_file by open-file-description locks (fcntl F_OFD_SETLK: Linux 3.15, POSIX.1-2024). The
// older fcntl locks would be dropped whenever any descriptor of the file closes in the process, and
// flock locks whole files.
#include "os/lease.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fail.hpp"

namespace millrace::os {

namespace {

constexpr off_t behind_the_end = off_t{1} << 62;

struct flock range(short type, std::uint32_t first, std::uint32_t count) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = behind_the_end + first;
  lock.l_len = count;
  return lock;
}

}  // namespace

std::unique_ptr<lease_file> lease_file::open(const std::filesystem::path& path, file_id expected) {
  std::unique_ptr<lease_file> result(new lease_file(path));
  if (result->descriptor_.get() < 0) {
    if (errno == ENOENT || errno == ELOOP || errno == EISDIR) {
      return nullptr;
    }
    millrace::detail::fail_system(errno, path.string(), "opening its lease");
  }
  struct ::stat status {};
  if (::fstat(result->descriptor_.get(), &status) != 0 ||
      file_id{status.st_dev, status.st_ino} != expected) {
    return nullptr;
  }
  return result;
}

lease_file::lease_file(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) {}

bool lease_file::try_lock(std::uint32_t which) {
  struct flock lock = range(F_WRLCK, which, 1);
  if (::fcntl(descriptor_.get(), F_OFD_SETLK, &lock) == 0) {
    return true;
  }
  if (errno == EAGAIN || errno == EACCES) {
    return false;
  }
  millrace::detail::fail_system(errno, path_.string(), "taking a lease");
}

void lease_file::unlock(std::uint32_t which) noexcept {
  struct flock lock = range(F_UNLCK, which, 1);
  (void)::fcntl(descriptor_.get(), F_OFD_SETLK, &lock);
}

bool lease_file::held_by_others(std::uint32_t first, std::uint32_t count) const {
  struct flock lock = range(F_WRLCK, first, count);
  if (::fcntl(descriptor_.get(), F_OFD_GETLK, &lock) != 0) {
    millrace::detail::fail_system(errno, path_.string(), "asking for leases");
  }
  return lock.l_type != F_UNLCK;
}

}  // namespace millrace::os
