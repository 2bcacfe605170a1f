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

}  // namespace millrace::detail
