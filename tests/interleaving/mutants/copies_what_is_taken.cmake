# A copy is finished without making sure that nobody else took the message.
set(header subscribing)
set(find [[} else if (word expected = seen; !ring_.exchange_last(p, expected, done)) {
      return false;
    }]])
set(put [[} else {
      here.word.store(done.bits, std::memory_order_release);
    }]])
