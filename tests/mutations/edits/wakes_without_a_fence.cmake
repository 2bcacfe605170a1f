# Who has delivered looks for a sleeping receiver before what it delivered can be seen.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[    fence_.often();  // SYNC (r)
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[quiet box]])
