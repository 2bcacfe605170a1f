// Reading and writing file descriptors, for the peers that are some.
#pragma once

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "../harness/processes.hpp"
#include "peer.hpp"

namespace bench {

/// A file descriptor that is closed with its owner.
class descriptor {
 public:
  explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

inline bool would_block() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

inline void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
    fail("make it non-blocking");
}

}  // namespace bench
