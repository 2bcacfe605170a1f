// A TCP link from one process to another: posts there, receives here.
#pragma once

#include <cstring>
#include <optional>

#include <millrace/link/tcp_link.hpp>

#include "../harness/processes.hpp"
#include "../peers/peer.hpp"
#include "../peers/transport.hpp"

namespace bench {

inline void must(millrace::link_status s) {
  if (s != millrace::link_status::ok)
    throw failure(fmt::format("link: {}", to_string(s)));
}
inline void must(millrace::status s) {
  if (s != millrace::status::ok)
    throw failure(fmt::format("link: {}", to_string(s)));
}

class link_channel {
 public:
  static constexpr const char* name = "millrace_link";
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = true;

  explicit link_channel(const workload&) {}

  class sender {
   public:
    sender(const link_channel& c, unsigned) : to_(c.place_.address()) {}
    bool send(std::span<const std::byte> message) {
      must(link_.post(to_, message));
      return true;
    }

   private:
    std::string to_;
    millrace::tcp_link link_{{.address = ""}};
  };

  class receiver {
   public:
    receiver(const link_channel& c, unsigned) : link_({.address = c.place_.address()}) {}
    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      must(link_.receive(next_));
      std::memcpy(buffer.data(), next_.bytes.data(), next_.bytes.size());
      return next_.bytes.size();
    }

   private:
    millrace::tcp_link link_;
    millrace::datagram next_;
  };

 private:
  over_tcp place_;
};

}  // namespace bench
