#include "nats/server.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// A listening socket on a free port.
int listen_somewhere() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(0);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket, 16) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  return socket;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::uint16_t free_port() {
  const int socket = listen_somewhere();
  const std::uint16_t port = port_of(socket);
  ::close(socket);
  return port;
}

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  ::close(socket);
  return -1;
}

bool readable(int socket) {
  pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, 20) == 1;
}

std::string url_of(std::uint16_t port) {
  return "nats://127.0.0.1:" + std::to_string(port);
}

}  // namespace

nats_process::nats_process(std::vector<std::string> options)
    : port_(free_port()), options_(std::move(options)) {
  start();
}

std::string nats_process::url() const {
  return url_of(port_);
}

void nats_process::start() {
  std::vector<std::string> command{
      NATS_SERVER, "-a",  "127.0.0.1",           "-p", std::to_string(port_),
      "-js",       "-sd", directory() / "store", "-l", directory() / "log"};
  command.insert(command.end(), options_.begin(), options_.end());
  process_.emplace(child::execute(command));
  eventually([this] {  // it greets those who connect once all is ready
    const int socket = connect_to(port_);
    char first = 0;
    const bool greeted = socket >= 0 && readable(socket) && ::read(socket, &first, 1) == 1;
    ::close(socket);
    return greeted;
  });
}

cutting_proxy::cutting_proxy(std::uint16_t server, std::size_t bytes)
    : server_(server), bytes_(bytes), listener_(listen_somewhere()), port_(port_of(listener_)),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

cutting_proxy::~cutting_proxy() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

std::string cutting_proxy::url() const {
  return url_of(port_);
}

void cutting_proxy::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!readable(listener_)) {
      continue;
    }
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = connect_to(server_);
    if (server >= 0) {
      pass_on(stop, client, server);
      ::close(server);
    }
    ::close(client);
  }
}

void cutting_proxy::pass_on(const std::stop_token& stop, int client, int server) {
  std::array<char, 16'384> buffer;
  std::size_t passed = 0;
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> ends{{{.fd = client, .events = POLLIN, .revents = 0},
                                {.fd = server, .events = POLLIN, .revents = 0}}};
    ::poll(ends.data(), ends.size(), 20);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].revents == 0) {
        continue;
      }
      const ssize_t got = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (got <= 0) {
        return;
      }
      auto size = static_cast<std::size_t>(got);
      const bool cut = broken_ && passed + size >= bytes_;
      if (cut) {
        size = bytes_ - std::min(passed, bytes_);
      }
      passed += size;
      for (std::size_t sent = 0; sent < size;) {
        const ssize_t more =
            ::send(ends[1 - i].fd, buffer.data() + sent, size - sent, MSG_NOSIGNAL);
        if (more <= 0) {
          return;
        }
        sent += static_cast<std::size_t>(more);
      }
      if (cut) {
        ++cuts_;
        return;
      }
    }
  }
}

}  // namespace test
