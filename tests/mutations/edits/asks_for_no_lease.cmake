# Whoever holds on to something for long is taken for dead.
set(file src/queue/recovery.cpp)
set(find [==[|| !leases.try_lock(suspect)) {]==])
set(put [==[|| (leases.try_lock(suspect), false)) {]==])
set(target fault_death_test)
set(arguments [[--test-case=a frozen*]])
