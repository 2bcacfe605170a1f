// Waking those who wait in a link when a stop is asked for.
#pragma once

#include <mutex>
#include <stop_token>

#include "link/driver.hpp"

namespace millrace::detail {

struct waking {
  driver* whom;
  void operator()() const {
    const std::lock_guard held(whom->mutex());
    whom->interrupt();
  }
};

/// For the length of a call that waits. REQUIRES: made and ended without the mutex.
using wake_on_stop = std::stop_callback<waking>;

}  // namespace millrace::detail
