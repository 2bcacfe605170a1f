# A recoverer stays the holder of the dead one's place.
set(file src/queue/recovery.cpp)
set(find [==[  leases.unlock(suspect);
]==])
set(put [==[]==])
set(target queue_test)
set(arguments [[--test-case=more handles than the table of participants holds*]])
