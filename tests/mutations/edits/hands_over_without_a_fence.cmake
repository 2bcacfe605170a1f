# The receiver looks for senders that wait before the slot that it set free can be seen.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[    fence_.often();  // SYNC (s)
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[quiet box]])
