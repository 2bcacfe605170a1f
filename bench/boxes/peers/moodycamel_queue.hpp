// moodycamel::BlockingConcurrentQueue, with a producer token per sender and one for the receiver,
// which is how it is fastest.
#pragma once

#include <utility>

#include <concurrentqueue/blockingconcurrentqueue.h>

#include "peer.hpp"

namespace bench {

template <class T>
class moodycamel_queue {
 public:
  using value_type = T;
  static constexpr const char* name = "moodycamel";

  class sender {
   public:
    explicit sender(moodycamel_queue& to) : to_(to), token_(to.queue_) {}
    void send(T&& message) { to_.queue_.enqueue(token_, std::move(message)); }

   private:
    moodycamel_queue& to_;
    moodycamel::ProducerToken token_;
  };

  template <class Use>
  void receive(Use use) {
    T message{};
    queue_.wait_dequeue(token_, message);
    use(message);
  }

 private:
  moodycamel::BlockingConcurrentQueue<T> queue_;
  moodycamel::ConsumerToken token_{queue_};
};

}  // namespace bench
