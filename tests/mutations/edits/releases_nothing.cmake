# Slots that a dead one was setting free stay as they are.
set(file include/millrace/detail/recovering.hpp)
set(find [==[while (seen.owned_by(id) && ring.sound(p, seen)) {]==])
set(put [==[while (seen.owned_by(id) && !seen.is(state::clearing) && ring.sound(p, seen)) {]==])
set(target single_step_test)
set(arguments [[--only]] [[done of 4096 bytes, shared]])
