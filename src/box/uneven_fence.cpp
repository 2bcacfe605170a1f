#include <millrace/box/detail/uneven_fence.hpp>

#include "os/membarrier.hpp"

namespace millrace::detail {

uneven_fence::uneven_fence() noexcept
    : reaches_all_([] {
        static const bool joined = os::join_thread_fences();
        return joined;
      }()) {}

void uneven_fence::seldom() noexcept {
  os::fence_all_threads();
}

void uneven_fence::here() noexcept {
  os::fence_here();
}

}  // namespace millrace::detail
