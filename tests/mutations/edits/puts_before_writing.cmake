# The short path publishes a message before its bytes are there.
set(file include/millrace/detail/publishing.hpp)
set(find [==[      write(s);
      s.word.store(free | ready_alone_, std::memory_order_release);  // SYNC (a)
]==])
set(put [==[      s.word.store(free | ready_alone_, std::memory_order_release);  // SYNC (a)
      write(s);
]==])
set(target single_step_test)
set(arguments [[--only]] [[try_enqueue of 1 bytes, exclusive publisher]])
