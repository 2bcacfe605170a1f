// How one thread sleeps until another has something for it.
#pragma once

#include <thread>
#include <utility>

#include <millrace/box/detail/parking.hpp>

namespace millrace::detail {

/// Where one thread sleeps. Woken before it sleeps, it does not sleep. Thread-safe.
class sleeper {
 public:
  void wake() noexcept { bed_.set(woken_); }
  void sleep() {
    bed_.sleep_until(never, [this] { return std::exchange(woken_, false); });
  }

 private:
  parker bed_;
  bool woken_ = false;
};

/// Before a sleep: looks for as long as a short answer takes. True: `done` was true. Lets others
/// run between the looks, as whoever is waited for may well need this processor: a pool is busy on
/// as many threads as there are processors, and its caller waits.
template <class Done>
[[nodiscard]] bool yield_until(Done done) {
  constexpr int yields = 60;
  constexpr int looks_between = 8;
  for (int i = 0; i < yields; ++i) {
    for (int k = 0; k < looks_between; ++k) {
      native_atomics::pause();
      if (done()) {
        return true;
      }
    }
    std::this_thread::yield();
  }
  return done();
}

}  // namespace millrace::detail
