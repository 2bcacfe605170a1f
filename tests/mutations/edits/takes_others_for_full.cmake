# A producer that others have passed says full.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[< 0) {  // (2)]==])
set(put [==[<= 0) {  // (2)]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 2]])
