# A revoked claim keeps its lap, so that nobody steps over it.
set(header subscribing)
set(find [[seen.with(state::revoked).with_next_lap()]])
set(put [[seen.with(state::revoked)]])
