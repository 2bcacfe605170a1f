# A slot of a local_queue is free again in the lap that has passed.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[detail::word::free(head_.lap() + 1)]==])
set(put [==[detail::word::free(head_.lap())]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 1]])
