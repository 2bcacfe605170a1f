# A message is published before it was moved in.
set(file include/millrace/detail/typed_slot.hpp)
set(find [==[      std::construct_at(std::addressof(value), std::move(message));
    } else {]==])
set(put [==[      mark(state::ready, lap);
      std::construct_at(std::addressof(value), std::move(message));
    } else {]==])
set(target interleaving_threads)
set(arguments [[local_queue, limit 2]])
