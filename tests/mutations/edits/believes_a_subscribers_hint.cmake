# A subscriber that was led past the ring waits for messages that never come.
set(header subscribing)
set(find [==[return ahead == -1 ? take_result::empty : take_result::corrupted;]==])
set(put [==[return take_result::empty;]==])
set(target fault_corruption_test)
set(arguments [[--test-case=a hint that is laps ahead*]])
