// The calling process on POSIX.
#include "os/process.hpp"

#include <unistd.h>

namespace millrace::os {

std::uint32_t process_number() noexcept {
  return static_cast<std::uint32_t>(::getpid());
}

}  // namespace millrace::os
