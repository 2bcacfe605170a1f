# A removal that comes late takes away the next queue of the name.
set(file src/queue/segment.cpp)
set(find [==[    if (os::identify(path) == file) {
      os::unlink(path);
    }]==])
set(put [==[    (void)file;
    os::unlink(path);]==])
set(target single_step_test)
set(arguments [[--only]] [[remove]])
