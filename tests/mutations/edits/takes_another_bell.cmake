# The announcement of whoever died asleep is taken away where it is not.
set(file src/queue/recovery.cpp)
set(find [==[published ? queue.head().not_full : queue.head().not_empty]==])
set(put [==[published ? queue.head().not_empty : queue.head().not_full]==])
set(target fault_death_test)
set(arguments [[--test-case=who died asleep*]])
