// Reading and writing by file descriptor, without buffers of their own between queue and kernel.
#include "streams.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fmt/format.h>

#include "outcome.hpp"

namespace millrace::cli {

namespace {

std::string reason(int problem) {
  return std::generic_category().message(problem);
}

/// For what somebody else has made non-blocking. False: interrupted, or another errno.
bool wait_for(int descriptor, short event) {
  pollfd waiting{.fd = descriptor, .events = event, .revents = 0};
  return poll(&waiting, 1, -1) >= 0;
}

}  // namespace

input::input(const std::optional<std::filesystem::path>& path, std::stop_token stop)
    : name_(path ? path->string() : "standard input"), descriptor_(STDIN_FILENO),
      stop_(std::move(stop)) {
  if (path) {
    // Opening a named pipe waits for its writer.
    while ((descriptor_ = open(path->c_str(), O_RDONLY | O_CLOEXEC)) < 0) {
      if (errno != EINTR) {
        throw failure(exit_code::failed, fmt::format("cannot open {}: {}; check the path and that "
                                                     "you may read it",
                                                     name_, reason(errno)));
      }
      if (stop_.stop_requested()) {
        throw interrupted();
      }
    }
  }
  struct stat found {};
  if (fstat(descriptor_, &found) == 0 && S_ISREG(found.st_mode)) {
    const off_t at = lseek(descriptor_, 0, SEEK_CUR);
    size_ = static_cast<std::uint64_t>(std::max<off_t>(found.st_size - std::max<off_t>(at, 0), 0));
  }
}

input::~input() {
  if (descriptor_ != STDIN_FILENO) {
    close(descriptor_);
  }
}

std::size_t input::read(std::span<std::byte> buffer) {
  for (;;) {
    if (stop_.stop_requested()) {
      throw interrupted();
    }
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got >= 0) {
      return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN && wait_for(descriptor_, POLLIN)) {
      continue;
    }
    if (errno != EINTR) {
      throw failure(exit_code::failed, fmt::format("cannot read {}: {}; what was read before is in "
                                                   "the queue",
                                                   name_, reason(errno)));
    }
  }
}

std::size_t input::read_full(std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const std::size_t got = read(buffer.subspan(filled));
    if (got == 0) {
      break;
    }
    filled += got;
  }
  return filled;
}

write_result write_parts(std::span<const std::span<const std::byte>> parts,
                         const std::stop_token& stop) {
  // The reader has this many interruptions (20 ms each) to go on before it is given up.
  constexpr int patience_after_stop = 25;
  int interruptions = 0;
  std::array<iovec, 128> vector;
  std::size_t written = 0;
  std::size_t next = 0;    // the part to go on with
  std::size_t offset = 0;  // and where in it
  while (next < parts.size()) {
    std::size_t count = 0;
    std::size_t wanted = 0;
    for (std::size_t i = next; i < parts.size() && count < vector.size(); ++i, ++count) {
      const auto rest = parts[i].subspan(i == next ? offset : 0);
      vector[count] = {const_cast<std::byte*>(rest.data()), rest.size()};
      wanted += rest.size();
    }
    const ssize_t got =
        wanted == 0 ? 0 : writev(STDOUT_FILENO, vector.data(), static_cast<int>(count));
    if (got < 0) {
      if (errno == EAGAIN && wait_for(STDOUT_FILENO, POLLOUT)) {
        continue;
      }
      if (errno != EINTR) {
        return {written, {errno, std::generic_category()}};
      }
      if (stop.stop_requested() && ++interruptions == patience_after_stop) {
        return {written, {}};
      }
      continue;
    }
    auto passed = static_cast<std::size_t>(got);
    written += passed;
    for (passed += offset, offset = 0; next < parts.size() && passed >= parts[next].size();
         ++next) {
      passed -= parts[next].size();
    }
    offset = passed;
  }
  return {written, {}};
}

void throw_write_error(std::error_code error) {
  if (error == std::errc::broken_pipe) {
    throw output_closed();
  }
  throw failure(exit_code::failed,
                fmt::format("cannot write to standard output: {}; what was not written is kept",
                            error.message()));
}

void write_text(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  const write_result result = write_parts({&bytes, 1});
  if (result.error) {
    throw_write_error(result.error);
  }
}

bool errors_go_to_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_error_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t got = ::write(STDERR_FILENO, text.data(), text.size());
    if (got < 0 && errno != EINTR) {
      return;
    }
    text.remove_prefix(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
}

}  // namespace millrace::cli
