// Mounts of the calling process's own, and so a /dev/shm of its own.
#pragma once

#include <sched.h>
#include <sys/mount.h>

namespace test {

/// Nobody else sees what this process mounts from now on. False: it has not the right.
inline bool take_own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// So that nothing stays on the machine whatever the tests do, and counts of what is there are not
/// disturbed by others. Takes root; without that, tests that count are to be run one at a time.
inline void take_own_shared_memory() {
  if (take_own_mounts()) {
    (void)::mount("tests", "/dev/shm", "tmpfs", 0, "mode=1777");
  }
}

}  // namespace test
