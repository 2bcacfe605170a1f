# What a message's move throws ends its executor's thread, if its coroutine has let others run.
set(file include/millrace/box/async_box.hpp)
set(find [==[      in_line::error = std::current_exception();
    }
    coroutine_.resume();]==])
set(put [==[      throw;
    }
    coroutine_.resume();]==])
set(target box_coroutine_test)
set(arguments [[--test-case=what a move throws reaches its coroutine also*]])
