# A close leaves those waiting who wait for room.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[        serve(refused);
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[box, limit 1, a receiver that leaves, close]])
