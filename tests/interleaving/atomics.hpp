// The policy that puts the ring on the explorer: before each operation on memory that several
// processes use, the process says what it is about to do and suspends. What it then does is one
// step of a schedule.
//
// All orders are taken as sequentially consistent; which order argument the code passes is not
// looked at. So nothing here tells whether an acquire is missing: that the processors of the
// weaker kind keep to what is explored here follows from the pairs named in ring.hpp, and is what
// the thread sanitizer's runs and the stress tests are for.
#pragma once

#include <atomic>
#include <cstdint>

#include "intent.hpp"

namespace millrace::interleaving {

/// Suspends the running process before an operation, unless that is invisible to all others.
void about_to(act what, const void* where, std::uint64_t from = 0, std::uint64_t to = 0);

/// The running process has changed a value.
void has_changed(const void* where, std::uint64_t was, std::uint64_t is, bool by_exchange);

/// The running process is in a bounded wait for another one.
void waits_a_moment();

template <class T>
class cell {
 public:
  [[nodiscard]] T load(std::memory_order) const {
    about_to(act::load, this);
    return value_;
  }
  void store(T to, std::memory_order) {
    about_to(act::store, this, value_, to);
    put(to, false);
  }
  bool compare_exchange_strong(T& expected, T to, std::memory_order, std::memory_order) {
    about_to(act::exchange, this, expected, to);
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    put(to, true);
    return true;
  }
  /// Fails only for a reason: each use is a loop that a failure without one merely repeats.
  bool compare_exchange_weak(T& expected, T to, std::memory_order a, std::memory_order b) {
    return compare_exchange_strong(expected, to, a, b);
  }
  T fetch_add(T n, std::memory_order) {
    about_to(act::add, this, 0, n);
    const T was = value_;
    put(static_cast<T>(was + n), true);
    return was;
  }

  /// For the explorer itself, between steps.
  [[nodiscard]] T peek() const { return value_; }
  void set(T to) { value_ = to; }

 private:
  void put(T to, bool by_exchange) {
    const T was = value_;
    value_ = to;
    has_changed(this, was, to, by_exchange);
  }

  T value_;
};

struct explored_atomics {
  template <class T>
  using atomic = cell<T>;
  static void pause() { waits_a_moment(); }
  static void prefetch_to_read(const void*) {}
  static void prefetch_to_write(const void*) {}
};

}  // namespace millrace::interleaving
