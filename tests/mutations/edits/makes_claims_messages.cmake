# A dead publisher's half-written message is delivered.
set(file include/millrace/detail/recovering.hpp)
set(find [==[ring.exchange(p, seen, seen.with(state::pad))]==])
set(put [==[ring.exchange(p, seen, seen.with(state::ready))]==])
set(target fault_death_test)
set(arguments [[--test-case=a publisher killed between reserve and commit*]])
