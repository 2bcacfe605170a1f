# The hint leads past a message that is read in place.
set(header subscribing)
set(find [[in_place_span_ != 0 ? in_place_at_ : next_]])
set(put [[next_]])
