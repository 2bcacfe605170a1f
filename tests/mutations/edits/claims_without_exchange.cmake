# Two producers may claim the same slot of a local_queue.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[        if (tail_.compare_exchange_weak(seen, next.bits, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {]==])
set(put [==[        if (tail_.store(next.bits, std::memory_order_relaxed), true) {]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 2]])
