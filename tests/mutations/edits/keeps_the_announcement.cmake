# Whoever died asleep is counted among the sleepers for ever.
set(file src/queue/recovery.cpp)
set(find [==[(void)(published ? queue.head().not_full : queue.head().not_empty).take_one();]==])
set(put [==[(void)published;]==])
set(target fault_death_test)
set(arguments [[--test-case=who died asleep*]])
