// A queue joined to another one over TCP: the sender's process has the queue here and forwards it,
// the receiver's collects into the queue there.
#pragma once

#include <bit>
#include <cstring>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <millrace/link/queue_link.hpp>
#include <millrace/queue/inspect.hpp>

#include "../harness/processes.hpp"
#include "../peers/peer.hpp"
#include "../peers/transport.hpp"
#include "link_channel.hpp"

namespace bench {

class queue_link_channel {
 public:
  static constexpr const char* name = "millrace_queues";
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = true;

  explicit queue_link_channel(const workload& w) {
    options_.block_size = std::bit_ceil(std::max<std::size_t>(w.size, 64));
    // A MiB may be on its way, as with a link alone.
    options_.capacity = std::size_t{4} << 20;
    options_.open = millrace::opening::create_only;
    millrace::publisher(here_, options_);
    millrace::publisher(there_, options_);
    options_.open = millrace::opening::open_only;
  }
  ~queue_link_channel() {
    millrace::remove(here_);
    millrace::remove(there_);
  }
  queue_link_channel(const queue_link_channel&) = delete;
  queue_link_channel& operator=(const queue_link_channel&) = delete;

  /// As the command has it.
  [[nodiscard]] std::size_t window() const { return options_.capacity / options_.block_size / 4; }

  class sender {
   public:
    sender(const queue_link_channel& c, unsigned)
        : to_(c.here_, c.options_),
          forwarder_(millrace::subscriber(c.here_, c.options_), c.place_.address(), c.window()),
          forwarding_([this](const std::stop_token& stop) { (void)forwarder_.run(stop); }) {}
    bool send(std::span<const std::byte> message) {
      must(to_.enqueue(message));
      return true;
    }

   private:
    millrace::publisher to_;
    millrace::queue_forwarder forwarder_;
    std::jthread forwarding_;
  };

  class receiver {
   public:
    receiver(const queue_link_channel& c, unsigned)
        : from_(c.there_, c.options_),
          collector_(millrace::publisher(c.there_, c.options_), c.place_.address()),
          collecting_([this](const std::stop_token& stop) { (void)collector_.run(stop); }) {}
    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      const auto message = from_.dequeue();
      if (!message)
        must(from_.last_status());
      const auto bytes = message->bytes();
      std::memcpy(buffer.data(), bytes.data(), bytes.size());
      return bytes.size();
    }

   private:
    millrace::subscriber from_;
    millrace::queue_collector collector_;
    std::jthread collecting_;
  };

 private:
  std::string here_ = unique_name();
  std::string there_ = unique_name();
  over_tcp place_;
  millrace::queue_options options_;
};

}  // namespace bench
