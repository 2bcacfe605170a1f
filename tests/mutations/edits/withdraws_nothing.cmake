# Who wakes by itself stays announced.
set(file src/queue/waiting.hpp)
set(find [==[if (!woken_ && !room_.bell.withdraw()) {]==])
set(put [==[if (!woken_ && !room_.bell.anybody()) {]==])
set(target queue_test)
set(arguments [[--test-case=permits that come too late*]])
