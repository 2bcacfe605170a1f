# A sender may look for room before the receiver sees that it waits.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[        A::fence::seldom();  // SYNC (s)
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[box, limit 1, a receiver that leaves]])
