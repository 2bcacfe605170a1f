// A Unix socket pair of type SOCK_SEQPACKET, which keeps messages apart.
#pragma once

#include <sys/socket.h>

#include "descriptor.hpp"

namespace bench {

class unix_socket {
 public:
  static constexpr const char* name = "unix_socket";
  static constexpr waiting streams_by = waiting::spin;
  static constexpr bool has_threads = false;

  explicit unix_socket(const workload& w) : flags_(w.wait == waiting::spin ? MSG_DONTWAIT : 0) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
      fail("make sockets");
    receive_ = descriptor(ends[0]);
    send_ = descriptor(ends[1]);
    // The system adds its own overhead per message to what it counts; root may exceed the limit
    // that it cuts other users' wish down to.
    const int room = static_cast<int>(w.size * w.depth);
    if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0 &&
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) != 0)
      fail("set a socket's buffer");
  }

  class sender {
   public:
    sender(const unix_socket& c, unsigned) : fd_(c.send_.get()), flags_(c.flags_) {}

    bool send(std::span<const std::byte> message) {
      if (::send(fd_, message.data(), message.size(), flags_) >= 0)
        return true;
      if (!would_block())
        fail("send to a socket");
      return false;
    }

   private:
    int fd_;
    int flags_;
  };

  class receiver {
   public:
    receiver(const unix_socket& c, unsigned) : fd_(c.receive_.get()), flags_(c.flags_) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      const ssize_t size = recv(fd_, buffer.data(), buffer.size(), flags_);
      if (size >= 0)
        return static_cast<std::size_t>(size);
      if (!would_block())
        fail("receive from a socket");
      return std::nullopt;
    }

   private:
    int fd_;
    int flags_;
  };

 private:
  int flags_;
  descriptor receive_;
  descriptor send_;
};

}  // namespace bench
