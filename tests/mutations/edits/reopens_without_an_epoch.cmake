# Whoever closes a queue takes one that was opened and is closing again for the one it looked at.
set(file src/queue/closing.hpp)
set(find [==[(seen & ~header::closing) + 1]==])
set(put [==[(seen & ~header::closing)]==])
set(target interleaving_threads)
set(arguments [[closing]])
