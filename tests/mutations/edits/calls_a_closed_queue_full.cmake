# A producer believes what it remembers of the tail, and does not see that the queue was closed.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[if (now.bits == tail.bits && detail::laps_between]==])
set(put [==[if (detail::laps_between]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 1, close]])
