// Ends a test that hangs: kills the processes it started, says which case it was, and fails.
#pragma once

#include <sys/types.h>

namespace test {

/// Gives the case that runs now `seconds` from now on (every case starts with 400). An alarm signal
/// and not a thread, so that cases may fork.
void allow(unsigned seconds);

/// Called by the main program as a case starts; `name` must stay valid.
void watch_case(const char* name);
/// Called by test::child: processes to kill when the time is up.
void watch_process(pid_t pid);
void forget_process(pid_t pid);

}  // namespace test
