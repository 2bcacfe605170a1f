# What a dead subscriber was reading stays taken.
set(file include/millrace/detail/recovering.hpp)
set(find [==[while (seen.owned_by(id) && ring.sound(p, seen)) {]==])
set(put [==[while (seen.owned_by(id) && !seen.is(state::taken) && ring.sound(p, seen)) {]==])
set(target fault_death_test)
set(arguments [[--test-case=a subscriber that waits already gets what another one died with]])
