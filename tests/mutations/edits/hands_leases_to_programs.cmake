# Another program that a participant starts holds on to its leases.
set(file src/os/fork_watch_posix.cpp)
set(find [==[        ::close(d->descriptor_);
        d->descriptor_ = -1;
      }
    }]==])
set(put [==[        ::fcntl(d->descriptor_, F_SETFD, 0);
        d->descriptor_ = -1;
      }
    }]==])
set(target fault_death_test)
set(arguments [[--test-case=another program*]])
