// A /dev/shm of one's own.
#pragma once

namespace test {

/// So that nothing stays on the machine whatever the tests do, and counts of what is there are not
/// disturbed by others. Takes root; without that, tests that count are to be run one at a time.
void take_own_shared_memory();

}  // namespace test
