// How one thread sleeps until another has something for it.
#pragma once

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

/// Spins for as long as a short answer takes. True: `done` was true.
template <class Done>
[[nodiscard]] bool spin_until(Done done) {
  return spin_until(done, spin_time, never, {});
}

}  // namespace millrace::detail
