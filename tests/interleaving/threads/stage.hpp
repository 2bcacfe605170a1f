// Up to four simulated threads of one process, under a schedule. Before each operation on memory
// that they share, a thread may be interrupted.
//
// A thread's stores may stay in its store buffer, in their order, while it goes on to later loads:
// what real processors do, and what fences are for. They come out when it fences, exchanges, waits
// or ends. So a fence that is missing between a store and a load is found here; other pairs that
// are reordered on weaker processors are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schedules.hpp"

namespace millrace::interleaving::stage {

/// Runs the threads to their ends under the schedule that is next; what was found wrong, or
/// nothing. Nobody having anything to do but to wait is wrong.
[[nodiscard]] std::string run(schedules& how, const std::vector<std::function<void()>>& threads);

/// The threads that took steps in the latest run, in order.
[[nodiscard]] const std::vector<unsigned char>& steps();

// --- what threads call; outside of run, these do nothing

/// Which one runs.
[[nodiscard]] unsigned who();
/// Ends the run: something is wrong.
void fail(const char* why);
inline void require(bool fact, const char* otherwise) {
  if (!fact) {
    fail(otherwise);
  }
}
/// A step: others may come first.
void step();
/// Others come first, as nothing changes unless they do something.
void give_way();
/// Until the condition holds, which others make true.
void wait(const std::function<bool()>& condition);

/// The latest store in the running thread's buffer to this place, if any.
[[nodiscard]] const std::uint64_t* buffered(const void* where);
/// Lets a store stay in the running thread's buffer; false: it is to be made now.
[[nodiscard]] bool buffer(void* where, std::uint64_t value,
                          void (*make)(void* where, std::uint64_t value));
/// Empties the running thread's store buffer; or everybody's.
void fence();
void fence_all();

/// Fails if the place is in memory that was freed, or just behind some that was not. Of memory from
/// operator new with an alignment, which is kept until the run is over.
void touch(const void* where);

}  // namespace millrace::interleaving::stage
