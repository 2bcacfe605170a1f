# Now and then a message that was finished comes again.
set(header subscribing)
set(find [==[        if (ring_.exchange_last(p, seen, word::free(seen.lap()))) {]==])
set(put [==[        if (p % 64 == 3 ? ring_.exchange_last(p, seen, seen.with(state::orphan))
                        : ring_.exchange_last(p, seen, word::free(seen.lap()))) {]==])
set(target soak)
set(arguments [[--minutes]] [[0.1]])
