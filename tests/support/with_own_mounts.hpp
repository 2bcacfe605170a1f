// Cases that change what is mounted where.
#pragma once

#include <functional>

#include <doctest/doctest.h>

#include "support/child.hpp"
#include "support/own_mounts.hpp"

namespace test {

/// Checks that `body` goes well in a process with mounts of its own, after `change` has changed
/// them. Where either may not be, says so and checks nothing.
inline void with_own_mounts(const std::function<bool()>& change,
                            const std::function<void()>& body) {
  constexpr int not_allowed = 77;
  auto other = child::run([&] {
    if (!take_own_mounts() || !change()) {
      return not_allowed;
    }
    body();
    return 0;
  });
  const int result = other.wait();
  if (result == not_allowed) {
    MESSAGE("skipped: needs the right to mount");
    return;
  }
  CHECK(result == 0);
}

}  // namespace test
