# A commit does not notice that its claim was revoked.
set(header publishing)
set(find [[!ring_.exchange_last(p, expected, ready)) {]])
set(put [[(ring_.store(p, ready), expected.bits == 0)) {]])
