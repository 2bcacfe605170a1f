// POSIX message queue: in the kernel.
#pragma once

#include <string>

#include <fmt/format.h>
#include <mqueue.h>
#include <sys/resource.h>

#include "descriptor.hpp"

namespace bench {

class posix_queue {
 public:
  static constexpr const char* name = "posix_mq";
  static constexpr waiting streams_by = waiting::spin;
  static constexpr bool has_threads = false;

  explicit posix_queue(const workload& w)
      : name_(fmt::format("/{}", unique_name())), wait_(w.wait) {
    // What the system lets anybody have is 10 messages of 8 KiB; root may have more.
    const rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MSGQUEUE, &no_limit);
    descriptor queue(create(w.depth, w.size));
    if (queue.get() < 0)
      queue = descriptor(create(10, w.size));
    if (queue.get() < 0)
      fail("create a POSIX message queue of messages this large");
  }
  ~posix_queue() { mq_unlink(name_.c_str()); }
  posix_queue(const posix_queue&) = delete;
  posix_queue& operator=(const posix_queue&) = delete;

  class end {
   public:
    end(const posix_queue& c, int access)
        : queue_(mq_open(c.name_.c_str(), access | (c.wait_ == waiting::spin ? O_NONBLOCK : 0))) {
      if (queue_.get() < 0)
        fail("open a POSIX message queue");
    }

   protected:
    descriptor queue_;
  };

  class sender : end {
   public:
    sender(const posix_queue& c, unsigned) : end(c, O_WRONLY) {}

    bool send(std::span<const std::byte> message) {
      if (mq_send(queue_.get(), reinterpret_cast<const char*>(message.data()), message.size(), 0) ==
          0)
        return true;
      if (!would_block())
        fail("mq_send");
      return false;
    }
  };

  class receiver : end {
   public:
    receiver(const posix_queue& c, unsigned) : end(c, O_RDONLY) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      const ssize_t size =
          mq_receive(queue_.get(), reinterpret_cast<char*>(buffer.data()), buffer.size(), nullptr);
      if (size >= 0)
        return static_cast<std::size_t>(size);
      if (!would_block())
        fail("mq_receive");
      return std::nullopt;
    }
  };

 private:
  [[nodiscard]] int create(std::size_t depth, std::size_t size) const {
    mq_attr attributes = {};
    attributes.mq_maxmsg = static_cast<long>(depth);
    attributes.mq_msgsize = static_cast<long>(size);
    return mq_open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  }

  std::string name_;
  waiting wait_;
};

}  // namespace bench
