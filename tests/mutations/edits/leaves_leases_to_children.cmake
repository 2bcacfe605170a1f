# A forked child holds on to the leases of its parent.
set(file src/os/fork_watch_posix.cpp)
set(find [==[        ::close(d->descriptor_);
        d->descriptor_ = -1;
      }
    }]==])
set(put [==[        d->descriptor_ = -1;
      }
    }]==])
set(target queue_test)
set(arguments [[--test-case=a parent's death is noticed*]])
