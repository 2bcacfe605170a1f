# A removed queue's semaphores stay.
set(file src/queue/segment.cpp)
set(find [==[  if (queue != nullptr) {
    queue->remove_semaphores();
  }
]==])
set(put [==[  (void)queue;
]==])
set(target queue_test)
set(arguments [[--test-case=removing a queue takes its file and semaphores away]])
