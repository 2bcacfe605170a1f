# A finished message is set free with the lap it was taken in, whoever went around it.
set(file include/millrace/detail/subscribing.hpp)
set(find [==[if (ring_.exchange_last(p, seen, word::free(seen.lap()))) {]==])
set(put [==[if (ring_.exchange_last(p, seen, word::free(ring_.lap(p) + 1))) {]==])
set(target single_step_test)
set(arguments [[--only]] [[done of 0 bytes, shared]])
