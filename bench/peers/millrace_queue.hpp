// millrace, with both roles shared or both exclusive. Its blocks are sized so that a message takes
// one slot, or a few when there are to be fewer messages than the 64 slots a queue has at least.
#pragma once

#include <bit>
#include <string>

#include <millrace/millrace.hpp>

#include "../harness/processes.hpp"
#include "peer.hpp"

namespace bench {

template <millrace::role Role>
class millrace_queue {
 public:
  static constexpr const char* name =
      Role == millrace::role::shared ? "millrace_shared" : "millrace_exclusive";
  static constexpr waiting streams_by = waiting::spin;
  static constexpr bool has_threads = false;

  explicit millrace_queue(const workload& w) : name_(unique_name()), wait_(w.wait) {
    const std::size_t room = std::bit_ceil(std::max<std::size_t>(w.size, 64));
    options_.capacity = room * std::bit_ceil(std::max<std::size_t>(w.depth, 2));
    options_.block_size = std::clamp<std::size_t>(options_.capacity / 64, 64, room);
    options_.publishers = Role;
    options_.subscribers = Role;
    options_.spin =
        std::chrono::nanoseconds(0);  // whoever asks to wait asleep falls asleep at once
    auto create = options_;
    create.open = millrace::opening::create_only;
    millrace::publisher(name_, create);
    options_.open = millrace::opening::open_only;
  }
  ~millrace_queue() { millrace::remove(name_); }
  millrace_queue(const millrace_queue&) = delete;
  millrace_queue& operator=(const millrace_queue&) = delete;

  class sender {
   public:
    sender(const millrace_queue& c, unsigned) : wait_(c.wait_), publisher_(c.name_, c.options_) {}

    bool send(std::span<const std::byte> message) {
      return done(wait_ == waiting::spin ? publisher_.try_enqueue(message)
                                         : publisher_.enqueue(message));
    }
    template <class Write>
    bool send_in_place(std::size_t size, Write write) {
      auto room = publisher_.try_reserve(size);
      if (!room)
        return done(publisher_.last_status());
      write(room->bytes());
      while (!done(room->commit())) {
      }
      return true;
    }

   private:
    static bool done(millrace::status s) {
      if (s == millrace::status::ok)
        return true;
      if (s != millrace::status::full)
        throw failure(std::string(to_string(s)));
      return false;
    }

    waiting wait_;
    millrace::publisher publisher_;
  };

  class receiver {
   public:
    receiver(const millrace_queue& c, unsigned)
        : wait_(c.wait_), subscriber_(c.name_, c.options_) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      std::size_t size = 0;
      if (wait_ == waiting::spin)
        return done(subscriber_.try_dequeue(buffer, size)) ? std::optional(size) : std::nullopt;
      const auto message = subscriber_.dequeue();
      if (!message)
        throw failure(std::string(to_string(subscriber_.last_status())));
      const auto bytes = message->bytes();
      std::memcpy(buffer.data(), bytes.data(), std::min(buffer.size(), bytes.size()));
      return bytes.size();
    }
    template <class Read>
    bool receive_in_place(Read read) {
      const auto message = subscriber_.try_dequeue();
      if (!message)
        return done(subscriber_.last_status());
      read(message->bytes());
      return true;
    }

   private:
    static bool done(millrace::status s) {
      if (s == millrace::status::ok)
        return true;
      if (s != millrace::status::empty)
        throw failure(std::string(to_string(s)));
      return false;
    }

    waiting wait_;
    millrace::subscriber subscriber_;
  };

 private:
  std::string name_;
  waiting wait_;
  millrace::queue_options options_;
};

}  // namespace bench
