# Two may take the same receiver, and wake it when it is gone.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[if (waiter* const w = receiver_.exchange(nullptr, std::memory_order_acq_rel)) {]==])
set(put [==[if (waiter* const w = receiver_.load(std::memory_order_acquire)) {
      receiver_.store(nullptr, std::memory_order_release);]==])
set(target interleaving_threads)
set(arguments [[box]])
