// What a link talks to in tests: bare sockets that write and read whatever bytes a test likes, and
// a record of the connections that a link dropped.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <millrace/link/tcp_link.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"

namespace test {

inline std::uint16_t port_of(std::string_view address) {
  return static_cast<std::uint16_t>(
      std::atoi(std::string(address.substr(address.rfind(':') + 1)).c_str()));
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One end of a bare TCP connection over IPv4 loopback.
class raw_peer {
 public:
  explicit raw_peer(int descriptor) : descriptor_(descriptor) {}
  /// Connects.
  explicit raw_peer(std::string_view address)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in to = loopback(port_of(address));
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect");
    }
    const int at_once = 1;  // else what is written twice may wait for 40 ms
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  raw_peer(raw_peer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  raw_peer& operator=(raw_peer&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~raw_peer() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// False: the other end is gone.
  bool write(std::span<const std::byte> all) const {
    while (!all.empty()) {
      const auto n = ::send(descriptor_, all.data(), all.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return false;
      }
      all = all.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool write(std::string_view text) const { return write(as_bytes(text)); }
  /// So many bytes, or fewer if the other end has ended.
  [[nodiscard]] bytes read(std::size_t size) const {
    bytes result(size);
    std::size_t got = 0;
    while (got < size) {
      const auto n = ::recv(descriptor_, result.data() + got, size - got, 0);
      if (n <= 0) {
        break;
      }
      got += static_cast<std::size_t>(n);
    }
    result.resize(got);
    return result;
  }
  /// What is there, waiting for it no longer than `time`. 0: nothing yet, less: the end.
  [[nodiscard]] ssize_t read_some(std::span<std::byte> buffer,
                                  std::chrono::milliseconds time) const {
    pollfd readable{descriptor_, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(time.count())) <= 0) {
      return 0;
    }
    const auto n = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    return n > 0 ? n : -1;
  }
  /// Waits until the other end has ended.
  void wait_for_end() const {
    while (!read(4096).empty()) {
    }
  }
  /// Ends the connection as a crash would: what is on its way is gone.
  void reset() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_;
};

/// Listens on IPv4 loopback.
class raw_listener {
 public:
  explicit raw_listener(int backlog = 16, int receive_buffer = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&at), size) != 0 ||
        ::listen(descriptor_, backlog) != 0 ||
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  raw_listener(const raw_listener&) = delete;
  raw_listener& operator=(const raw_listener&) = delete;
  ~raw_listener() { ::close(descriptor_); }

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool wait_for_caller(std::chrono::milliseconds time) const {
    pollfd readable{descriptor_, POLLIN, 0};
    return ::poll(&readable, 1, static_cast<int>(time.count())) > 0;
  }
  [[nodiscard]] raw_peer accept() const {
    return raw_peer(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  int descriptor_;
  std::string address_;
};

/// Why a link dropped its connections.
class drops {
 public:
  [[nodiscard]] auto recorder() {
    return [this](const std::string&, millrace::drop_reason reason) {
      const std::lock_guard lock(mutex_);
      ++count_[reason];
    };
  }
  [[nodiscard]] std::size_t count(millrace::drop_reason reason) const {
    const std::lock_guard lock(mutex_);
    const auto found = count_.find(reason);
    return found == count_.end() ? 0 : found->second;
  }
  void wait_for(millrace::drop_reason reason, std::size_t count = 1) const {
    eventually([&] { return this->count(reason) >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::map<millrace::drop_reason, std::size_t> count_;
};

/// An address at which nobody listens.
inline std::string nobody() {
  return raw_listener().address();
}

}  // namespace test

namespace doctest {

template <>
struct StringMaker<millrace::link_status> {
  static String convert(millrace::link_status value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

}  // namespace doctest
