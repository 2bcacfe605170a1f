# Slots that a dead one was setting free stay as they are.
set(header recovering)
set(find [[(void)ring.release(p, id);
        seen = ring.load(p);]])
set(put [[seen = word{};]])
