# Whoever dies in a removal leaves semaphores that nobody finds.
set(file src/queue/segment.cpp)
set(find [==[  if (queue != nullptr) {
    queue->remove_semaphores();
  }
  if (!locks.try_lock(lease_byte::unlinking)) {
    return false;
  }
  try {
    if (os::identify(path) == file) {
      os::unlink(path);
    }]==])
set(put [==[  if (!locks.try_lock(lease_byte::unlinking)) {
    return false;
  }
  try {
    if (os::identify(path) == file) {
      os::unlink(path);
    }
    if (queue != nullptr) {
      queue->remove_semaphores();
    }]==])
set(target single_step_test)
set(arguments [[--only]] [[remove]])
