// A bounded queue of the shape of Erik Rigtorp's MPMCQueue: tickets are taken by fetch_add, and
// each slot counts turns, even when it may be written and odd when it may be read. Waiting is
// spinning.
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <utility>

#include "../../harness/pace.hpp"
#include "peer.hpp"

namespace bench {

template <class T>
class mpmc_queue {
 public:
  using value_type = T;
  static constexpr const char* name = "mpmc_queue";

  mpmc_queue() : slots_(std::make_unique<slot[]>(capacity_)) {}
  mpmc_queue(const mpmc_queue&) = delete;
  mpmc_queue& operator=(const mpmc_queue&) = delete;
  ~mpmc_queue() {
    while (tail_ != head_) {
      receive([](T&) {});
    }
  }

  class sender {
   public:
    explicit sender(mpmc_queue& to) : to_(to) {}
    void send(T&& message) {
      const std::size_t ticket = to_.head_.fetch_add(1);
      slot& s = to_.slots_[ticket % capacity_];
      s.await(2 * (ticket / capacity_));
      std::construct_at(std::addressof(s.value), std::move(message));
      s.turn.store(2 * (ticket / capacity_) + 1, std::memory_order_release);
    }

   private:
    mpmc_queue& to_;
  };

  template <class Use>
  void receive(Use use) {
    const std::size_t ticket = tail_.fetch_add(1);
    slot& s = slots_[ticket % capacity_];
    s.await(2 * (ticket / capacity_) + 1);
    T message = std::move(s.value);
    std::destroy_at(std::addressof(s.value));
    s.turn.store(2 * (ticket / capacity_) + 2, std::memory_order_release);
    use(message);
  }

 private:
  struct alignas(64) slot {
    std::atomic<std::size_t> turn = 0;
    union {
      T value;
    };
    slot() noexcept {}
    ~slot() {}

    void await(std::size_t wanted) const noexcept {
      for (spinner spin(10'000); turn.load(std::memory_order_acquire) != wanted; spin.pause()) {
      }
    }
  };

  // A variable, as it is known when the program runs.
  const std::size_t capacity_ = box_limit;
  const std::unique_ptr<slot[]> slots_;
  alignas(64) std::atomic<std::size_t> head_ = 0;
  alignas(64) std::atomic<std::size_t> tail_ = 0;
};

}  // namespace bench
