// Being somebody else, for tests of what one user may do to another.
#pragma once

#include <functional>
#include <stdexcept>

#include <doctest/doctest.h>

#include <grp.h>
#include <unistd.h>

#include "support/child.hpp"

namespace test {

inline constexpr unsigned other_user = 54321;

/// In a child process: goes on as another user, for good.
inline void become_other_user() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(other_user, other_user, other_user) != 0 ||
      ::setresuid(other_user, other_user, other_user) != 0) {
    throw std::runtime_error("cannot become another user");
  }
}

/// Whether `body` goes well in a process of that user.
[[nodiscard]] inline bool succeeds_as_other_user(const std::function<void()>& body) {
  return child::succeeds([&] {
    become_other_user();
    body();
  });
}

/// Only root can become somebody else. Says so when the case cannot run.
inline bool can_become_other_user() {
  if (::geteuid() == 0) {
    return true;
  }
  MESSAGE("skipped: needs root");
  return false;
}

}  // namespace test
