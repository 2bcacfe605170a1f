# Room is padded without asking whether the message fits anywhere.
set(header publishing)
set(find [[if (run >= span) {]])
set(put [[if (run >= 0 * span) {]])
