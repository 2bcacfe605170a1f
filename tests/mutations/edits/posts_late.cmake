# A coroutine may go on, and end all, while whoever woke it still uses the executor.
set(file src/box/ready_lanes.hpp)
set(find [==[      if (newest == &unattended) {
        ask_for_help();  // (1)
        newest = nullptr;
      }]==])
set(put [==[      struct late {
        Host& host;
        bool posts;
        ~late() {
          if (posts) {
            host.post_job();
          }
        }
      } at_end{host_, false};
      if (newest == &unattended) {
        const std::lock_guard lock(mutex_);
        resumable* nobody = &unattended;
        at_end.posts = fed_.compare_exchange_strong(nobody, nullptr, std::memory_order_relaxed,
                                                    std::memory_order_relaxed);
        newest = nullptr;
      }]==])
set(target box_coroutine_test)
set(arguments [[--test-case=a coroutine does not go on before*]])
