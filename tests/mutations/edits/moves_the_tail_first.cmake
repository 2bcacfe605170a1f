# Producers are let into a lap before its segment is linked.
set(file include/millrace/queue/growing_queue.hpp)
set(find [==[    last_.store(next, std::memory_order_release);   // SYNC (g): the claim that came before
    // Adds, and does not store: the ring may be closed meanwhile. SYNC (g): the segment
    tail_.fetch_add(detail::cursor::start_of(at.lap() + 1).bits - at.next_index().bits,
                    std::memory_order_release);
]==])
set(put [==[    tail_.fetch_add(detail::cursor::start_of(at.lap() + 1).bits - at.next_index().bits,
                    std::memory_order_release);
    last_.store(next, std::memory_order_release);
]==])
set(target interleaving_threads)
set(arguments [[growing_queue]])
