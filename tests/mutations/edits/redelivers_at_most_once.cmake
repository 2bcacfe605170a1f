# Where delivery is at most once, what a dead subscriber was reading comes again.
set(file src/queue/recovery.cpp)
set(find [==[recover(queue.ring(), dead, queue.once(), [&]]==])
set(put [==[recover(queue.ring(), dead, false, [&]]==])
set(target fault_death_test)
set(arguments [[--test-case=where delivery is at most once*]])
