# Whoever changes the queue thinks that nobody sleeps when one does.
set(header doorbell)
set(find [[sleepers.load(std::memory_order_seq_cst) != 0]])
set(put [[sleepers.load(std::memory_order_seq_cst) > 1]])
