# The same on the short path.
set(header publishing)
set(find [[if (!s.word.compare_exchange_strong(expected, free | ready_alone_,  // SYNC (a)
                                        std::memory_order_seq_cst, std::memory_order_acquire)) {]])
set(put [[if (s.word.store(free | ready_alone_, std::memory_order_release), false) {]])
