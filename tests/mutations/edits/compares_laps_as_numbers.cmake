# Laps are compared as if they never ran over.
set(file include/millrace/detail/word.hpp)
set(find [==[return static_cast<std::int32_t>(a - b);]==])
set(put [==[return a == b ? 0 : a < b ? -1 : 1;]==])
set(target queue_test)
set(arguments [[--test-case=*lap counter*]])
