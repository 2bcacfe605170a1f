# A new epoch does not begin a new pass.
set(header subscribing)
set(find [[      scan_ = 0;
]])
set(put [[]])
