# Whoever has the number of a living process counts as alive, and nobody else.
set(file src/queue/recovery.cpp)
set(find [==[|| !leases.try_lock(suspect)) {]==])
set(put [==[||
      std::filesystem::exists("/proc/" + std::to_string(queue.participant(suspect).pid.load())) ||
      (!leases.try_lock(suspect) && false)) {]==])
set(target fault_death_test)
set(arguments [[--test-case=of two with the same number*]])
