# A receiver may look for a message before others see it announced.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[    A::fence::seldom();  // SYNC (r)
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[box]])
