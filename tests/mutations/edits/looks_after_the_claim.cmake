# A producer asks for the last segment when it has claimed; that may be the next one.
set(file include/millrace/queue/growing_queue.hpp)
set(find [==[        slot& here = s->slots()]==])
set(put [==[        slot& here = last_.load(std::memory_order_acquire)->slots()]==])
set(target interleaving_threads)
set(arguments [[growing_queue]])
