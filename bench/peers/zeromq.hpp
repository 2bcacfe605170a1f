// ZeroMQ over ipc: every receiver binds a PULL socket, every sender's PUSH socket connects to all
// of them and shares its messages out.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <zmq.h>

#include "../harness/processes.hpp"
#include "peer.hpp"

namespace bench {

class zeromq {
 public:
  static constexpr const char* name = "zeromq";
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = true;

  explicit zeromq(const workload& w) : workload_(w) {
    for (unsigned i = 0; i < w.receivers; ++i)
      paths_.push_back(unique_path());
  }
  ~zeromq() {
    for (const std::string& path : paths_)
      unlink(path.c_str());
  }
  zeromq(const zeromq&) = delete;
  zeromq& operator=(const zeromq&) = delete;

  class end {
   public:
    end(const zeromq& c, int type)
        : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)),
          flags_(c.workload_.wait == waiting::spin ? ZMQ_DONTWAIT : 0) {
      // Both ends keep messages: half of the room each.
      const int depth = static_cast<int>((c.workload_.depth + 1) / 2);
      zmq_setsockopt(socket_, ZMQ_SNDHWM, &depth, sizeof(depth));
      zmq_setsockopt(socket_, ZMQ_RCVHWM, &depth, sizeof(depth));
      // By the end everything that counts has arrived, and nobody may be there to take the rest.
      const int no_time = 0;
      zmq_setsockopt(socket_, ZMQ_LINGER, &no_time, sizeof(no_time));
    }
    ~end() {
      zmq_close(socket_);
      zmq_ctx_term(context_);
    }
    end(const end&) = delete;
    end& operator=(const end&) = delete;

   protected:
    [[noreturn]] static void fail_in(const char* call) {
      throw failure(fmt::format("{}: {}", call, zmq_strerror(zmq_errno())));
    }

    void* context_;
    void* socket_;
    int flags_;
  };

  class sender : end {
   public:
    sender(const zeromq& c, unsigned) : end(c, ZMQ_PUSH) {
      for (const std::string& path : c.paths_)
        if (zmq_connect(socket_, url_of(path).c_str()) != 0)
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

  class receiver : end {
   public:
    receiver(const zeromq& c, unsigned index) : end(c, ZMQ_PULL) {
      if (zmq_bind(socket_, url_of(c.paths_[index]).c_str()) != 0)
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
  static std::string url_of(const std::string& path) { return fmt::format("ipc://{}", path); }

  workload workload_;
  std::vector<std::string> paths_;
};

}  // namespace bench
