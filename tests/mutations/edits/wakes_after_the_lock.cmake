# A sender that lined up uses the box when it may be gone.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[      // Under the lock: after it the sender may be gone, and with it the last who needs the box.
      wake_receiver();
    }
]==])
set(put [==[    }
    wake_receiver();
]==])
set(target interleaving_threads)
set(arguments [[box, ends]])
