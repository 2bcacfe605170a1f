# A finished message is set free with the lap it had when it was taken.
set(header subscribing)
set(find [[        if (ring_.exchange_last(p, seen, word::free(seen.lap()))) {
          return true;
        }]])
set(put [[        const word old = word::free(ring_.lap(p) + 1);
        if (ring_.exchange_last(p, seen, old) || ring_.exchange_last(p, seen, old)) {
          return true;
        }]])
