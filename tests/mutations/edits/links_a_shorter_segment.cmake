# A segment that was made for an earlier lap may be linked for a longer one.
set(file include/millrace/queue/growing_queue.hpp)
set(find [==[next_slots < slots_in(tail.lap() + 1)]==])
set(put [==[next_slots == 0]==])
set(target interleaving_threads)
set(arguments [[growing_queue, many]])
