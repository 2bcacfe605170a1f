# Whoever sleeps relies on being woken by somebody who may be dead.
set(file src/queue/waiting.hpp)
set(find [==[sleep_slice = std::chrono::milliseconds(100);]==])
set(put [==[sleep_slice = std::chrono::hours(1);]==])
set(target single_step_test)
set(arguments [[--only]] [[waking by an enqueue, shared]])
