// nng (nanomsg next generation) over ipc or TCP: every receiver listens on a pull socket, every
// sender's push socket dials all of them and shares its messages out.
#pragma once

#include <vector>

#include <fmt/format.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include "../harness/processes.hpp"
#include "peer.hpp"
#include "transport.hpp"

namespace bench {

template <class Transport>
class nanomsg_over {
 public:
  static constexpr const char* name = Transport::nng;
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = true;

  explicit nanomsg_over(const workload& w) : workload_(w), transports_(w.receivers) {}

  class socket {
   public:
    socket(int (*open)(nng_socket*), const workload& w) {
      check(open(&socket_), "open");
      // Both ends keep messages: half of the room each.
      const int depth = static_cast<int>((w.depth + 1) / 2);
      nng_socket_set_int(socket_, NNG_OPT_SENDBUF, depth);
      nng_socket_set_int(socket_, NNG_OPT_RECVBUF, depth);
      nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0);
    }
    ~socket() { nng_close(socket_); }
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;

    static void check(int error, const char* call) {
      if (error != 0)
        throw failure(fmt::format("nng {}: {}", call, nng_strerror(error)));
    }
    [[nodiscard]] nng_socket get() const noexcept { return socket_; }

   private:
    nng_socket socket_ = NNG_SOCKET_INITIALIZER;
  };

  class sender {
   public:
    sender(const nanomsg_over& c, unsigned)
        : flags_(c.workload_.wait == waiting::spin ? NNG_FLAG_NONBLOCK : 0),
          socket_(nng_push0_open, c.workload_) {
      for (const Transport& to : c.transports_)
        socket::check(nng_dial(socket_.get(), to.url().c_str(), nullptr, 0), "dial");
    }

    bool send(std::span<const std::byte> message) {
      const int error =
          nng_send(socket_.get(), const_cast<std::byte*>(message.data()), message.size(), flags_);
      if (error == NNG_EAGAIN)
        return false;
      socket::check(error, "send");
      return true;
    }

   private:
    int flags_;
    socket socket_;
  };

  class receiver {
   public:
    receiver(const nanomsg_over& c, unsigned index)
        : flags_(c.workload_.wait == waiting::spin ? NNG_FLAG_NONBLOCK : 0),
          socket_(nng_pull0_open, c.workload_) {
      socket::check(nng_listen(socket_.get(), c.transports_[index].url().c_str(), nullptr, 0),
                    "listen");
    }

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      std::size_t size = buffer.size();
      const int error = nng_recv(socket_.get(), buffer.data(), &size, flags_);
      if (error == NNG_EAGAIN)
        return std::nullopt;
      socket::check(error, "recv");
      return size;
    }

   private:
    int flags_;
    socket socket_;
  };

 private:
  workload workload_;
  std::vector<Transport> transports_;
};

using nanomsg = nanomsg_over<over_ipc>;
using nanomsg_tcp = nanomsg_over<over_tcp>;

}  // namespace bench
