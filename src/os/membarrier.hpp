// A memory fence in every process that takes part, paid for by one of them.
#pragma once

namespace millrace::os {

/// Lets fences of other processes reach into this one. False: the system cannot; this process then
/// has to fence for itself. Cheap when done before.
[[nodiscard]] bool join_process_fences() noexcept;

/// A full fence in the calling thread.
void fence_here() noexcept;

/// A full fence here and in every process that has joined. Without support of the system, only
/// here.
void fence_all_processes() noexcept;

}  // namespace millrace::os
