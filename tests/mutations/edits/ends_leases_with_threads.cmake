# A lease ends with the thread that took it.
set(file src/os/fork_watch_posix.cpp)
set(find [==[  descriptor_ = above_standard_streams(::open(path, flags));
]==])
set(put [==[  descriptor_ = above_standard_streams(::open(path, flags));
  static thread_local struct closer {
    int descriptor = -1;
    ~closer() { ::close(descriptor); }
  } at_end;
  at_end.descriptor = descriptor_;
]==])
set(target fault_death_test)
set(arguments [[--test-case=threads that end*]])
