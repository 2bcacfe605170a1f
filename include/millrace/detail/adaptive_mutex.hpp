// adaptive_mutex: for sections of a few instructions. Whoever finds it locked looks again for a
// while, as putting a thread to sleep and waking it takes a hundred times as long as the section.
#pragma once

#include <mutex>

#include <millrace/detail/atomics.hpp>

namespace millrace::detail {

class adaptive_mutex {
 public:
  void lock() {
    constexpr int looks = 100;
    for (int i = 0; i < looks; ++i) {
      if (mutex_.try_lock()) {
        return;
      }
      native_atomics::pause();
    }
    mutex_.lock();
  }
  void unlock() noexcept { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

}  // namespace millrace::detail
