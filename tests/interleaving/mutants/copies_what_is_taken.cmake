# A copy is finished without making sure that nobody else took the message.
set(header subscribing)
set(find [[} else if (std::uint64_t expected = seen; !here.word.compare_exchange_strong(
                   expected, done_alone_, std::memory_order_seq_cst, std::memory_order_relaxed)) {
      return false;
    }]])
set(put [[} else {
      here.word.store(done_alone_, std::memory_order_release);
    }]])
