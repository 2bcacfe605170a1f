# Whoever closes a queue does not notice that somebody has joined it meanwhile.
set(file src/queue/closing.hpp)
set(find [==[(seen & header::closing) != 0 &&]==])
set(put [==[false &&]==])
set(target interleaving_threads)
set(arguments [[closing]])
