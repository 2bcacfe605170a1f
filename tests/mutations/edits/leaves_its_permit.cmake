# Who is woken just when its slice ends leaves the permit to wake somebody in vain.
set(file src/queue/waiting.hpp)
set(find [==[      (void)room_.semaphore.try_wait();
]==])
set(put [==[]==])
set(target queue_test)
set(arguments [[--test-case=who is woken at the end*]])
