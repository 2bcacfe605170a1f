# A batch's first message is published by itself, before the batch.
set(file src/queue/publisher.cpp)
set(find [==[        if (p != first) {
          side_.announce(p, its_span);
        }]==])
set(put [==[        side_.announce(p, its_span);]==])
set(target single_step_test)
set(arguments [[--only]] [[batch of 1 bytes]])
