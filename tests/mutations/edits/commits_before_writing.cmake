# A message is published before its bytes are there.
set(file src/queue/publisher.cpp)
set(find [==[      write(p, bytes);
      if (finish(p, span, span, false, bytes.size())) {
        return status::ok;
      }]==])
set(put [==[      if (finish(p, span, span, false, bytes.size())) {
        write(p, bytes);
        return status::ok;
      }]==])
set(target single_step_test)
set(arguments [[--only]] [[try_enqueue of 49 bytes, shared]])
