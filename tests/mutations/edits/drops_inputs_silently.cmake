# A receiver is not told that the last input has gone.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[std::memory_order_release) == 1) {  // SYNC (i)
      wake_receiver();
]==])
set(put [==[std::memory_order_release) == 1) {  // SYNC (i)
]==])
set(target interleaving_threads)
set(arguments [[box, unlimited]])
