# A commit does not notice that its claim was revoked.
set(header publishing)
set(find [[if (ring_.exchange_last(p, expected, ready)) {]])
set(put [[if (ring_.store(p, ready), true) {]])
