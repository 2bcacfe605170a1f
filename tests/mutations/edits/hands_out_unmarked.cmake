# An exclusive subscriber's message comes again as if for the first time.
set(file include/millrace/detail/subscribing.hpp)
set(find [==[    ring_.at(next_).shape.store(s.bits | shape::handed_out, std::memory_order_relaxed);
]==])
set(put [==[]==])
set(target single_step_test)
set(arguments [[--only]] [[dequeue of 113 bytes, exclusive subscriber]])
