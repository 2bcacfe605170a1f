# Now and then a subscriber takes the message after the next one first.
set(header subscribing)
set(find [==[        const outcome o = exclusive_ ? hand_out(seen, limit, m) : try_take(next_, seen, limit, m);
]==])
set(put [==[        const position here = next_;
        position at = here;
        if (const position after = here + seen.span();
            !exclusive_ && after % 8 == 3 && ring_.load(after).is(state::ready) &&
            ring_.load(after).lap() == ring_.lap(after)) {
          at = after;
          seen = ring_.load(after);
        }
        const outcome o = exclusive_ ? hand_out(seen, limit, m) : try_take(at, seen, limit, m);
        if (at != here) {
          next_ = here;
        }
]==])
set(target soak)
set(arguments [[--minutes]] [[0.1]])
