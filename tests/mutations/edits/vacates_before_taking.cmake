# A slot of a local_queue is free before its message was moved out.
set(file include/millrace/queue/local_queue.hpp)
set(find [==[    at_head().take(to, [this]() noexcept { step(); });]==])
set(put [==[    slot& s = at_head();
    step();
    s.take(to, []() noexcept {});]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 1]])
