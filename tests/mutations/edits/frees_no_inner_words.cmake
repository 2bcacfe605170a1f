# The words inside a record stay behind their lap.
set(file include/millrace/detail/ring.hpp)
set(find [==[      for (std::uint32_t i = 1; i < head.span(); ++i) {
        store(p + i, word::free(head.lap()));
      }
      if (exchange_last(p, head]==])
set(put [==[      if (exchange_last(p, head]==])
set(target single_step_test)
set(arguments [[--only]] [[done of 4096 bytes, shared]])
