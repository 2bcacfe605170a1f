// Where sockets of ZeroMQ and nng meet: a file's name, or a port. Each object is one place, chosen
// before the processes are made, and known to all of them.
#pragma once

#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../harness/processes.hpp"

namespace bench {

class over_ipc {
 public:
  static constexpr const char* zeromq = "zeromq";
  static constexpr const char* nng = "nng";

  over_ipc() : path_(unique_path()) {}
  over_ipc(const over_ipc&) = delete;
  over_ipc& operator=(const over_ipc&) = delete;
  ~over_ipc() { unlink(path_.c_str()); }
  [[nodiscard]] std::string url() const { return fmt::format("ipc://{}", path_); }

 private:
  std::string path_;
};

/// On loopback, at a port that was free a moment ago.
class over_tcp {
 public:
  static constexpr const char* zeromq = "zeromq_tcp";
  static constexpr const char* nng = "nng_tcp";

  over_tcp() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const bool found = probe >= 0 && bind(probe, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                       getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size) == 0;
    close(probe);
    if (!found)
      fail("find a free port");
    port_ = ntohs(at.sin_port);
  }
  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
  [[nodiscard]] std::string url() const { return fmt::format("tcp://{}", address()); }
  [[nodiscard]] unsigned short port() const noexcept { return port_; }

 private:
  unsigned short port_ = 0;
};

}  // namespace bench
