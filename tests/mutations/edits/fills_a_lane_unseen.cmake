# Whoever resigns does not see what has just come into a lane, nor does whoever put it there see that.
set(file src/box/ready_lanes.hpp)
set(find [==[any_.store(!empty(), std::memory_order_seq_cst);]==])
set(put [==[any_.store(!empty(), std::memory_order_release);]==])
set(target interleaving_threads)
set(arguments [[scheduler, waits for what is fed]])
