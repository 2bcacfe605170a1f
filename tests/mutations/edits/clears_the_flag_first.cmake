# A recoverer that dies in the middle leaves nothing for the next one to see.
set(file src/queue/recovery.cpp)
set(find [==[  hands found;
]==])
set(put [==[  record.dirty.store(0, std::memory_order_release);
  hands found;
]==])
set(target single_step_test)
set(arguments [[--only]] [[recovery of a claim]])
