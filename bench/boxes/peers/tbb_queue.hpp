// tbb::concurrent_bounded_queue, with a limit: push waits for room, pop for a message.
#pragma once

#include <utility>

#include <tbb/concurrent_queue.h>

#include "peer.hpp"

namespace bench {

template <class T>
class tbb_queue {
 public:
  using value_type = T;
  static constexpr const char* name = "tbb";

  tbb_queue() { queue_.set_capacity(box_limit); }

  class sender {
   public:
    explicit sender(tbb_queue& to) : to_(to) {}
    void send(T&& message) { to_.queue_.push(std::move(message)); }

   private:
    tbb_queue& to_;
  };

  template <class Use>
  void receive(Use use) {
    T message{};
    queue_.pop(message);
    use(message);
  }

 private:
  tbb::concurrent_bounded_queue<T> queue_;
};

}  // namespace bench
