# Linking a segment forgets a close.
set(file include/millrace/queue/growing_queue.hpp)
set(find [==[    tail_.fetch_add(detail::cursor::start_of(at.lap() + 1).bits - at.next_index().bits,
                    std::memory_order_release);
]==])
set(put [==[    tail_.store(detail::cursor::start_of(at.lap() + 1).bits, std::memory_order_release);
]==])
set(target interleaving_threads)
set(arguments [[growing_queue]])
