// What the queues and boxes are written in, on the stage.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#include "stage.hpp"

namespace millrace::interleaving {

template <class T>
class staged {
 public:
  staged() = default;
  staged(T value) : value_(value) {}  // NOLINT: as std::atomic's
  staged(const staged&) = delete;
  staged& operator=(const staged&) = delete;

  [[nodiscard]] T load(std::memory_order = std::memory_order_seq_cst) const {
    begin();
    const std::uint64_t* const mine = stage::buffered(this);
    return mine != nullptr ? from_bits(*mine) : value_;
  }
  void store(T to, std::memory_order order = std::memory_order_seq_cst) {
    begin();
    if (order == std::memory_order_seq_cst) {
      stage::fence();
    } else if (stage::buffer(this, to_bits(to), [](void* where, std::uint64_t bits) {
                 stage::touch(where);
                 static_cast<staged*>(where)->value_ = from_bits(bits);
               })) {
      return;
    }
    value_ = to;
  }
  T exchange(T to, std::memory_order) {
    return update([to](T) { return to; });
  }
  T fetch_add(T n, std::memory_order) {
    return update([n](T was) { return static_cast<T>(was + n); });
  }
  T fetch_sub(T n, std::memory_order) {
    return update([n](T was) { return static_cast<T>(was - n); });
  }
  T fetch_or(T n, std::memory_order) {
    return update([n](T was) { return static_cast<T>(was | n); });
  }
  bool compare_exchange_strong(T& expected, T to, std::memory_order, std::memory_order) {
    bool done = false;
    const T was = update([&](T now) { return (done = now == expected) ? to : now; });
    if (!done) {
      expected = was;
    }
    return done;
  }
  /// Fails only for a reason: each use is a loop that a failure without one merely repeats.
  bool compare_exchange_weak(T& expected, T to, std::memory_order a, std::memory_order b) {
    return compare_exchange_strong(expected, to, a, b);
  }

 private:
  void begin() const {
    stage::step();
    stage::touch(this);
  }
  template <class F>
  T update(F f) {
    begin();
    stage::fence();
    const T was = value_;
    value_ = f(was);
    return was;
  }
  static std::uint64_t to_bits(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  static T from_bits(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  T value_;
};

/// Unlocking is a store that releases and no fence: what real mutexes do beyond that, on some
/// processors, nothing may rely on.
class staged_mutex {
 public:
  void lock() {
    stage::fence();
    stage::wait([this] { return !locked_; });
    locked_ = true;
  }
  void unlock() {
    if (!stage::buffer(this, 0, make_unlocked)) {
      make_unlocked(this, 0);
    }
  }

 private:
  static void make_unlocked(void* mutex, std::uint64_t) {
    stage::touch(mutex);
    static_cast<staged_mutex*>(mutex)->locked_ = false;
  }

  bool locked_ = false;
};

/// Of whose two sides the frequent one's is free.
class staged_fence {
 public:
  staged_fence() noexcept {}
  static void often() { stage::step(); }
  static void seldom() {
    stage::step();
    stage::fence_all();
  }
};

/// Of whose two sides each fences for itself.
class staged_even_fence {
 public:
  static void often() {
    stage::step();
    stage::fence();
  }
  static void seldom() { often(); }
};

struct staged_atomics {
  template <class T>
  using atomic = staged<T>;
  using mutex = staged_mutex;
  using fence = staged_fence;
  static constexpr std::size_t apart = 64;
  static void pause() { stage::give_way(); }
  static void prefetch_to_write(const void*) {}
};

/// Of quiet boxes, and of all where no thread can fence for others.
struct staged_quiet_atomics : staged_atomics {
  using fence = staged_even_fence;
};

}  // namespace millrace::interleaving
