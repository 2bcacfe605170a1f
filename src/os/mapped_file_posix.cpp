// mapped_file on POSIX; the mapping itself is Boost.Interprocess's mapped_region.
#include "os/mapped_file.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/mapped_region.hpp>
#include <fmt/format.h>

#include "core/fail.hpp"

namespace millrace::os {

namespace ipc = boost::interprocess;
using millrace::detail::fail;
using millrace::detail::fail_system;

namespace {

constexpr const char* own_descriptors = "/proc/self/fd";  // not there in every chroot

void reserve(int descriptor, std::size_t size, const std::string& path) {
  // Past this limit the system sends a signal that ends the process before any error is returned.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      size > limit.rlim_cur) {
    fail(errc::no_space, path, "creating",
         fmt::format("expected room for {} bytes, found a limit of {} bytes a file", size,
                     limit.rlim_cur));
  }
  int result = 0;
  do {
    result = posix_fallocate(descriptor, 0, static_cast<off_t>(size));
  } while (result == EINTR);
  if (result == ENOSPC || result == EFBIG || result == EDQUOT) {
    fail(errc::no_space, path, "creating",
         fmt::format("expected room for {} bytes: {}", size,
                     std::generic_category().message(result)));
  }
  if (result != 0) {
    fail_system(result, path, "reserving its memory");
  }
}

}  // namespace

file::file(std::filesystem::path path, int descriptor) noexcept
    : path_(std::move(path)), descriptor_(descriptor) {}

file::file(file&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)),
      private_name_(std::exchange(other.private_name_, {})) {}

file::~file() {
  if (!private_name_.empty()) {
    ::unlink(private_name_.c_str());
  }
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

file file::create_nameless(const std::filesystem::path& path, std::size_t size,
                           unsigned permissions) {
  const std::filesystem::path directory = path.parent_path();
  int descriptor = -1;
  std::string private_name;
  int problem = EOPNOTSUPP;
#ifdef O_TMPFILE
  if (::access(own_descriptors, X_OK) == 0) {  // it gets its name by way of these
    descriptor = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    problem = errno;
  }
#endif
  if (descriptor < 0 && (problem == EOPNOTSUPP || problem == EISDIR || problem == EINVAL)) {
    // A name that no queue can have, taken away again by the destructor.
    private_name = (directory / ".millrace-XXXXXX").string();
    descriptor = ::mkostemp(private_name.data(), O_CLOEXEC);
    problem = errno;
    if (descriptor < 0) {
      private_name.clear();
    }
  }
  if (descriptor < 0) {
    if (problem == ENOENT || problem == ENOTDIR) {
      fail(errc::not_found, path.string(), "creating",
           fmt::format("there is no directory '{}'", directory.string()));
    }
    fail_system(problem, path.string(), "creating a file in its directory");
  }
  file result(path, descriptor);
  result.private_name_ = std::move(private_name);
  reserve(descriptor, size, path.string());
  if (::fchmod(descriptor, permissions) != 0) {
    fail_system(errno, path.string(), "setting its permissions");
  }
  return result;
}

std::optional<file> file::open(const std::filesystem::path& path, access how, bool foreign) {
  // Not following links, and not waiting for the other end of a pipe.
  const int flags = (how == access::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW |
                    O_NONBLOCK | O_NOCTTY;
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    if (errno == ELOOP) {
      fail(errc::not_a_queue, path.string(), "opening",
           "expected a regular file, found a symbolic link");
    }
    if (errno == EISDIR) {
      fail(errc::not_a_queue, path.string(), "opening",
           "expected a regular file, found a directory");
    }
    fail_system(errno, path.string(), "opening");
  }
  file result(path, descriptor);
  struct ::stat status {};
  if (::fstat(descriptor, &status) != 0) {
    fail_system(errno, path.string(), "opening");
  }
  if (!S_ISREG(status.st_mode)) {
    fail(errc::not_a_queue, path.string(), "opening",
         "expected a regular file, found a directory, pipe or device");
  }
  if (status.st_uid != ::geteuid() && !foreign) {
    fail(errc::wrong_owner, path.string(), "opening",
         fmt::format("expected a file of user {}, found one of user {}; permissions with bits "
                     "for group or others allow it",
                     ::geteuid(), status.st_uid));
  }
  return result;
}

bool file::publish() {
  int result = 0;
  if (private_name_.empty()) {
    const std::string self = fmt::format("{}/{}", own_descriptors, descriptor_);
    result = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    result = ::link(private_name_.c_str(), path_.c_str());
  }
  if (result != 0 && errno != EEXIST) {
    fail_system(errno, path_.string(), "giving it its name");
  }
  return result == 0;
}

std::size_t file::size() const {
  struct ::stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    fail_system(errno, path_.string(), "asking for its size");
  }
  return static_cast<std::size_t>(status.st_size);
}

file_id file::id() const {
  struct ::stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    fail_system(errno, path_.string(), "asking for its identity");
  }
  return {status.st_dev, status.st_ino};
}

std::size_t file::read(void* to, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n =
        ::pread(descriptor_, static_cast<char*>(to) + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      fail_system(errno, path_.string(), "reading its header");
    }
    if (n == 0) {
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return done;
}

struct mapping::region {
  ipc::mapped_region mapped;
};

namespace {

/// What mapped_region asks of something mappable.
struct mappable {
  int descriptor;
  ipc::mode_t mode;
  [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const { return {descriptor, false}; }
  [[nodiscard]] ipc::mode_t get_mode() const { return mode; }
};

}  // namespace

mapping::mapping(const file& f, access how) {
  const ipc::mode_t mode = how == access::read_write ? ipc::read_write : ipc::read_only;
  try {
    region_ = std::make_unique<region>(
        region{ipc::mapped_region(mappable{f.descriptor(), mode}, mode, 0, f.size())});
  } catch (const ipc::interprocess_exception& e) {
    fail_system(e.get_native_error(), f.path().string(), "mapping it into memory");
  }
}

mapping::~mapping() = default;

std::byte* mapping::data() const noexcept {
  return static_cast<std::byte*>(region_->mapped.get_address());
}

std::size_t mapping::size() const noexcept {
  return region_->mapped.get_size();
}

std::optional<file_id> identify(const std::filesystem::path& path) {
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return file_id{status.st_dev, status.st_ino};
}

void unlink(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    fail_system(errno, path.string(), "removing");
  }
}

void make_private_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    fail_system(errno, path.string(), "making the directory of queues");
  }
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    fail_system(errno, path.string(), "making the directory of queues");
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid()) {
    fail(errc::wrong_owner, path.string(), "making the directory of queues",
         fmt::format("expected a directory of user {}, found a {} of user {}", ::geteuid(),
                     S_ISDIR(status.st_mode) ? "directory" : "file", status.st_uid));
  }
}

std::size_t page_size() {
  return ipc::mapped_region::get_page_size();
}

}  // namespace millrace::os
