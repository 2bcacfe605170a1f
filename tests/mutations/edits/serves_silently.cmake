# A sender whose message was handed over is not woken.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[    const bool any = !served.empty();
    served.wake_all();
]==])
set(put [==[    const bool any = !served.empty();
]==])
set(target interleaving_threads)
set(arguments [[box, limit 1]])
