# Recovery ends behind the first record that it finds.
set(file include/millrace/detail/recovering.hpp)
set(find [==[        seen = ring.load(p);
        break;
      }]==])
set(put [==[        seen = ring.load(p);
        break;
      }
      if (!seen.owned_by(id)) {
        return;
      }]==])
set(target fault_death_test)
set(arguments [[--test-case=what a killed subscriber had in its hands*]])
