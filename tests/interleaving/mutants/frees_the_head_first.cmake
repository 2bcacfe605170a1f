# A walker may enter a record whose inner words are not free yet.
set(header ring)
set(find [[      for (std::uint32_t i = 1; i < head.span(); ++i) {
        store(p + i, word::free(head.lap()));
      }
      if (exchange_last(p, head, word::free(head.lap()))) {
        return true;
      }]])
set(put [[      const std::uint32_t span = head.span();
      const std::uint32_t lap = head.lap();
      if (exchange_last(p, head, word::free(lap))) {
        for (std::uint32_t i = 1; i < span; ++i) {
          store(p + i, word::free(lap));
        }
        return true;
      }]])
