# A walker may enter a record whose inner words are not free yet.
set(file include/millrace/detail/ring.hpp)
set(find [==[      for (std::uint32_t i = 1; i < head.span(); ++i) {
        store(p + i, word::free(head.lap()));
      }
      if (exchange_last(p, head, word::free(head.lap()))) {
        return true;]==])
set(put [==[      const word was = head;
      if (exchange_last(p, head, word::free(head.lap()))) {
        for (std::uint32_t i = 1; i < was.span(); ++i) {
          store(p + i, word::free(was.lap()));
        }
        return true;]==])
set(target single_step_test)
set(arguments [[--only]] [[done of 4096 bytes, shared]])
