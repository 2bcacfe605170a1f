// ZeroMQ, over ipc or TCP: every receiver binds a PULL socket, every sender's PUSH socket connects
// to all of them and shares its messages out.
#pragma once

#include <vector>

#include <fmt/format.h>
#include <zmq.h>

#include "../harness/processes.hpp"
#include "peer.hpp"
#include "transport.hpp"

namespace bench {

class zeromq_end {
 public:
  zeromq_end(const workload& w, int type)
      : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)),
        flags_(w.wait == waiting::spin ? ZMQ_DONTWAIT : 0) {
    // Both ends keep messages: half of the room each.
    const int depth = static_cast<int>((w.depth + 1) / 2);
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &depth, sizeof(depth));
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &depth, sizeof(depth));
    // By the end everything that counts has arrived, and nobody may be there to take the rest.
    const int no_time = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &no_time, sizeof(no_time));
  }
  ~zeromq_end() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  zeromq_end(const zeromq_end&) = delete;
  zeromq_end& operator=(const zeromq_end&) = delete;

 protected:
  [[noreturn]] static void fail_in(const char* call) {
    throw failure(fmt::format("{}: {}", call, zmq_strerror(zmq_errno())));
  }

  void* context_;
  void* socket_;
  int flags_;
};

template <class Transport>
class zeromq_over {
 public:
  static constexpr const char* name = Transport::zeromq;
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = true;

  explicit zeromq_over(const workload& w) : workload_(w), transports_(w.receivers) {}

  class sender : zeromq_end {
   public:
    sender(const zeromq_over& c, unsigned) : zeromq_end(c.workload_, ZMQ_PUSH) {
      for (const Transport& to : c.transports_)
        if (zmq_connect(socket_, to.url().c_str()) != 0)
          fail_in("zmq_connect");
    }

    bool send(std::span<const std::byte> message) {
      if (zmq_send(socket_, message.data(), message.size(), flags_) >= 0)
        return true;
      if (zmq_errno() != EAGAIN)
        fail_in("zmq_send");
      return false;
    }
  };

  class receiver : zeromq_end {
   public:
    receiver(const zeromq_over& c, unsigned index) : zeromq_end(c.workload_, ZMQ_PULL) {
      if (zmq_bind(socket_, c.transports_[index].url().c_str()) != 0)
        fail_in("zmq_bind");
    }

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      const int size = zmq_recv(socket_, buffer.data(), buffer.size(), flags_);
      if (size >= 0)
        return static_cast<std::size_t>(size);
      if (zmq_errno() != EAGAIN)
        fail_in("zmq_recv");
      return std::nullopt;
    }
  };

 private:
  workload workload_;
  std::vector<Transport> transports_;
};

using zeromq = zeromq_over<over_ipc>;
using zeromq_tcp = zeromq_over<over_tcp>;

}  // namespace bench
