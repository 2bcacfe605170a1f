// boost::lockfree::queue. It does not wait by itself: whoever finds it full or empty spins.
#pragma once

#include <boost/lockfree/queue.hpp>

#include "../../harness/pace.hpp"
#include "peer.hpp"

namespace bench {

template <class T>
class lockfree_queue {
 public:
  using value_type = T;
  static constexpr const char* name = "boost_lockfree";

  class sender {
   public:
    explicit sender(lockfree_queue& to) : to_(to) {}
    void send(T&& message) {
      for (spinner spin(10'000); !to_.queue_.bounded_push(message); spin.pause()) {
      }
    }

   private:
    lockfree_queue& to_;
  };

  template <class Use>
  void receive(Use use) {
    T message{};
    for (spinner spin(10'000); !queue_.pop(message); spin.pause()) {
    }
    use(message);
  }

 private:
  boost::lockfree::queue<T, boost::lockfree::fixed_sized<true>> queue_{box_limit};
};

}  // namespace bench
