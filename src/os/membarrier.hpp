// A memory fence in every process that takes part, or in every thread of one, paid for by one of
// them.
#pragma once

namespace millrace::os {

/// Lets fences of other processes reach into this one. False: the system cannot; this process then
/// has to fence for itself. Cheap when done before.
[[nodiscard]] bool join_process_fences() noexcept;

/// The same within one process: lets its threads' fences reach one another.
[[nodiscard]] bool join_thread_fences() noexcept;

/// A full fence in the calling thread.
void fence_here() noexcept;

/// A full fence here and in every process that has joined. Without support of the system, only
/// here.
void fence_all_processes() noexcept;

/// A full fence in every thread of this process, after join_thread_fences(). Without support of the
/// system, only here.
void fence_all_threads() noexcept;

}  // namespace millrace::os
