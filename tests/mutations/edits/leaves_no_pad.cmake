# A message that throws leaves its slot claimed for ever.
set(file include/millrace/detail/typed_slot.hpp)
set(find [==[        mark(state::pad, lap);
]==])
set(put [==[]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 2, moves throw]])
