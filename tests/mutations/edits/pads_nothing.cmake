# A dead publisher's claim stays claimed.
set(file include/millrace/detail/recovering.hpp)
set(find [==[while (seen.owned_by(id) && ring.sound(p, seen)) {]==])
set(put [==[while (seen.owned_by(id) && !seen.is(state::claimed) && ring.sound(p, seen)) {]==])
set(target fault_death_test)
set(arguments [[--test-case=a publisher killed between reserve and commit*]])
