// Boost.Interprocess message_queue: a heap of messages under a mutex, in shared memory.
#pragma once

#include <string>

#include <boost/interprocess/ipc/message_queue.hpp>

#include "../harness/processes.hpp"
#include "peer.hpp"

namespace bench {

class boost_queue {
 public:
  static constexpr const char* name = "boost";
  static constexpr waiting streams_by = waiting::spin;
  static constexpr bool has_threads = false;

  explicit boost_queue(const workload& w) : name_(unique_name()), wait_(w.wait) {
    boost::interprocess::message_queue(boost::interprocess::create_only, name_.c_str(), w.depth,
                                       w.size);
  }
  ~boost_queue() { boost::interprocess::message_queue::remove(name_.c_str()); }
  boost_queue(const boost_queue&) = delete;
  boost_queue& operator=(const boost_queue&) = delete;

  class end {
   public:
    explicit end(const boost_queue& c)
        : queue_(boost::interprocess::open_only, c.name_.c_str()), wait_(c.wait_) {}

   protected:
    boost::interprocess::message_queue queue_;
    waiting wait_;
  };

  class sender : end {
   public:
    sender(const boost_queue& c, unsigned) : end(c) {}

    bool send(std::span<const std::byte> message) {
      if (wait_ == waiting::spin)
        return queue_.try_send(message.data(), message.size(), 0);
      queue_.send(message.data(), message.size(), 0);
      return true;
    }
  };

  class receiver : end {
   public:
    receiver(const boost_queue& c, unsigned) : end(c) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      boost::interprocess::message_queue::size_type size = 0;
      unsigned priority = 0;
      if (wait_ == waiting::sleep)
        queue_.receive(buffer.data(), buffer.size(), size, priority);
      else if (!queue_.try_receive(buffer.data(), buffer.size(), size, priority))
        return std::nullopt;
      return size;
    }
  };

 private:
  std::string name_;
  waiting wait_;
};

}  // namespace bench
