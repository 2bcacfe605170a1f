# Two who remove a queue at once: the slower one takes away the next queue of the name.
set(file src/queue/segment.cpp)
set(find [==[  if (!locks.try_lock(lease_byte::unlinking)) {
    return false;
  }
]==])
set(put [==[]==])
set(target fault_race_test)
set(arguments [[--test-case=*open and remove race without harm]])
