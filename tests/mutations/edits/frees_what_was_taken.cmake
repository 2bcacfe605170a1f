# Where delivery is at least once, what a dead subscriber was reading is gone.
set(file include/millrace/detail/recovering.hpp)
set(find [==[once ? state::clearing : state::orphan]==])
set(put [==[once ? state::orphan : state::clearing]==])
set(target fault_death_test)
set(arguments [[--test-case=what a killed subscriber had in its hands*]])
