// A filter on this thread's system calls: what the kernel is asked for is counted, or shows up as a
// failure, without the overhead and the races of tracing from outside.
#pragma once

namespace test {

/// From now on, for good, this thread's futex calls are counted and answered with 0 instead of
/// being done.
void count_futex_calls();
[[nodiscard]] int futex_calls();

/// From now on, for good, any system call but write and exit ends the process with code 90, and
/// says which one it was.
void forbid_system_calls();

/// From now on, for good, a futex or clock wait of this thread against the wall clock ends the
/// process with code 90; other system calls go on as usual.
void forbid_wall_clock_waits();

}  // namespace test
