# A local_queue counts as drained once it is closed.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[return tail.closed() && tail.at(head_);]==])
set(put [==[return tail.closed();]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 2, close]])
