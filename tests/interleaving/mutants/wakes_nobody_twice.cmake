# Taking one announcement takes all of them.
set(header doorbell)
set(find [[compare_exchange_weak(n, n - 1]])
set(put [[compare_exchange_weak(n, 0]])
