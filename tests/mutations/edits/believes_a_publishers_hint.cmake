# A publisher that was led past the ring waits for room that never comes.
set(header publishing)
set(find [==[return ahead == -1 ? claim_result::full : claim_result::corrupted;]==])
set(put [==[return claim_result::full;]==])
set(target fault_corruption_test)
set(arguments [[--test-case=a hint that is laps ahead*]])
