// Counts what is allocated. For executables of their own: allocations.cpp replaces operator new.
#pragma once

namespace test {

/// On: from 0, in all threads.
void count_allocations(bool on);
[[nodiscard]] long allocations_counted();
[[nodiscard]] long frees_counted();

/// So many allocations of this thread succeed, then one throws std::bad_alloc. -1: none does.
void refuse_an_allocation(int after = 0);

/// How often `action` allocates.
template <class Action>
long allocated_by(Action&& action) {
  count_allocations(true);
  action();
  count_allocations(false);
  return allocations_counted();
}

/// How many more pieces of memory are there after `action` than before.
template <class Action>
long allocated_and_not_freed_by(Action&& action) {
  return allocated_by(action) - frees_counted();
}

}  // namespace test
