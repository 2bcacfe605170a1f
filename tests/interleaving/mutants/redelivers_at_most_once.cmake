# At most once is not looked at.
set(header recovering)
set(find [[once ? state::clearing : state::orphan]])
set(put [[state::orphan]])
