# The dead stay to be recovered.
set(file src/queue/recovery.cpp)
set(find [==[  record.dirty.store(0, std::memory_order_release);
]==])
set(put [==[]==])
set(target fault_death_test)
set(arguments [[--test-case=a publisher killed between reserve and commit*]])
