# A producer asks for the last segment when it has claimed; that may be the next one.
set(file include/millrace/queue/growing_queue.hpp)
set(find [==[        s->slots()[tail.index()].publish(]==])
set(put [==[        last_.load(std::memory_order_acquire)->slots()[tail.index()].publish(]==])
set(target interleaving_threads)
set(arguments [[growing_queue]])
