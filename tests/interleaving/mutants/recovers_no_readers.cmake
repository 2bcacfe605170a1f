# What a dead subscriber was reading stays taken.
set(header recovering)
set(find [[while (seen.owned_by(id)]])
set(put [[while (seen.owned_by(id) && !seen.is(state::taken)]])
