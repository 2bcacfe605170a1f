// A /dev/shm of one's own, by a mount namespace.
#include "support/own_shared_memory.hpp"

#include <sched.h>
#include <sys/mount.h>

namespace test {

void take_own_shared_memory() {
  if (::unshare(CLONE_NEWNS) == 0 &&
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    (void)::mount("tests", "/dev/shm", "tmpfs", 0, "mode=1777");
  }
}

}  // namespace test
