# A coroutine may go on, and end all, while whoever woke it still uses the executor.
set(file src/box/scheduler.cpp)
set(find [==[  if (!posted_) {
    post_work();
    posted_ = true;
  }
  r.next]==])
set(put [==[  struct late {
    ready_queue* to;
    bool posts;
    adaptive_mutex& mutex;
    ~late() {
      if (posts) {
        mutex.unlock();
        to->post_work();
        mutex.lock();
      }
    }
  } const at_end{this, !std::exchange(posted_, true), mutex_};
  r.next]==])
set(target box_coroutine_test)
set(arguments [[--test-case=a coroutine does not go on before*]])
