// A bounded queue of the shape of Erik Rigtorp's MPMCQueue: each slot counts turns, even when it
// may be written and odd when it may be read.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include <benchmark/benchmark.h>

#include "../../harness/pace.hpp"
#include "peer.hpp"

namespace bench {

/// Its try_push and try_pop, again and again: as a box, it can say that it is full.
template <class T>
class mpmc_queue {
 public:
  using value_type = T;
  static constexpr const char* name = "mpmc_queue";

  mpmc_queue() {
    benchmark::DoNotOptimize(capacity_);  // a variable, so numbers are divided by it
  }
  mpmc_queue(const mpmc_queue&) = delete;
  mpmc_queue& operator=(const mpmc_queue&) = delete;
  ~mpmc_queue() {
    while (try_pop([](T&) {})) {
    }
  }

  class sender {
   public:
    explicit sender(mpmc_queue& to) : to_(to) {}
    void send(T&& message) {
      for (spinner spin(10'000); !to_.try_push(std::move(message)); spin.pause()) {
      }
    }

   private:
    mpmc_queue& to_;
  };

  template <class Use>
  void receive(Use use) {
    for (spinner spin(10'000); !try_pop(use); spin.pause()) {
    }
  }

 private:
  struct alignas(64) slot {
    std::atomic<std::size_t> turn = 0;
    union {
      T value;
    };
    slot() noexcept {}
    ~slot() {}

    void put(T&& message, std::size_t now) {
      std::construct_at(std::addressof(value), std::move(message));
      turn.store(now + 1, std::memory_order_release);
    }
    template <class Use>
    void take(Use use, std::size_t now) {
      T message = std::move(value);
      std::destroy_at(std::addressof(value));
      turn.store(now + 1, std::memory_order_release);
      use(message);
    }
    [[nodiscard]] bool is(std::size_t now) const noexcept {
      return turn.load(std::memory_order_acquire) == now;
    }
  };

  [[nodiscard]] slot& at(std::size_t number) const noexcept { return slots_[number % capacity_]; }
  [[nodiscard]] std::size_t turn_to_write(std::size_t number) const noexcept {
    return number / capacity_ * 2;
  }
  [[nodiscard]] std::size_t turn_to_read(std::size_t number) const noexcept {
    return number / capacity_ * 2 + 1;
  }

  bool try_push(T&& message) {
    for (auto head = head_.load(std::memory_order_acquire);;) {
      if (at(head).is(turn_to_write(head))) {
        if (head_.compare_exchange_strong(head, head + 1)) {
          at(head).put(std::move(message), turn_to_write(head));
          return true;
        }
      } else if (head == std::exchange(head, head_.load(std::memory_order_acquire))) {
        return false;
      }
    }
  }
  template <class Use>
  bool try_pop(Use use) {
    for (auto tail = tail_.load(std::memory_order_acquire);;) {
      if (at(tail).is(turn_to_read(tail))) {
        if (tail_.compare_exchange_strong(tail, tail + 1)) {
          at(tail).take(use, turn_to_read(tail));
          return true;
        }
      } else if (tail == std::exchange(tail, tail_.load(std::memory_order_acquire))) {
        return false;
      }
    }
  }

  std::size_t capacity_ = box_limit;
  const std::unique_ptr<slot[]> slots_ = std::make_unique<slot[]>(capacity_);
  alignas(64) std::atomic<std::size_t> head_ = 0;
  alignas(64) std::atomic<std::size_t> tail_ = 0;
};

}  // namespace bench
