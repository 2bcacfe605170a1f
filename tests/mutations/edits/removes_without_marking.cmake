# Those attached to a removed queue go on in it, beside its successor.
set(file src/queue/inspect.cpp)
set(find [==[    announce_removal(*queue);
]==])
set(put [==[]==])
set(target queue_test)
set(arguments [[--test-case=those attached to a removed queue*]])
