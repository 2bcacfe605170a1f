# A recoverer stays the holder of the dead one's place.
set(file src/queue/recovery.cpp)
set(find [==[  leases.unlock(suspect);
]==])
set(put [==[]==])
set(target fault_death_test)
set(arguments [[--test-case=the place of one who died*]])
