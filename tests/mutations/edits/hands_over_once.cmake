# What throws when it is handed over leaves room, and those who wait for it waiting.
set(file include/millrace/box/detail/meeting.hpp)
set(find [==[while (hand_over() && !found) {]==])
set(put [==[if (hand_over() && !found) {]==])
set(target box_coroutine_test)
set(arguments [[--test-case=a receiver does not fall asleep*]])
