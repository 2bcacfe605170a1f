# An announcement that was taken away is taken away again.
set(header doorbell)
set(find [[while (n != 0 && !sleepers.compare_exchange_weak(n, n - 1, std::memory_order_seq_cst,
                                                     std::memory_order_relaxed)) {
    }]])
set(put [[if (n != 0) {
      sleepers.store(n - 1, std::memory_order_seq_cst);
    }]])
