// One thread of an item pool: takes jobs from its inbox and does them to its items, until a last
// one ends them all.
#pragma once

#include <thread>
#include <utility>
#include <vector>

#include <millrace/pool/detail/job_inbox.hpp>
#include <millrace/pool/detail/resident_items.hpp>
#include <millrace/pool/response.hpp>

namespace millrace::detail {

/// Either is called once, and may be the end of the job.
template <class Item>
struct job : job_link {
  virtual void run(resident_items<Item>& items) noexcept = 0;
  virtual void refuse(item_status why) noexcept = 0;

 protected:
  ~job() = default;
};

/// Thread-safety: post and post_awaited from any thread; the others from one.
template <class Item>
class item_thread {
 public:
  item_thread() : thread_([this] { work(); }) {}
  item_thread(const item_thread&) = delete;
  item_thread& operator=(const item_thread&) = delete;
  ~item_thread() {
    begin_shutdown();
    (void)end_shutdown();
  }

  /// For somebody who does not wait for it. False: refused, as all has ended.
  bool post(job<Item>& j) noexcept {
    if (!inbox_.push(j)) {
      j.refuse(item_status::closed);
      return false;
    }
    return true;
  }
  /// For the calling thread, which is going to wait for it.
  void post_awaited(job<Item>& j) noexcept {
    if (current == this) {
      j.refuse(item_status::would_deadlock);
    } else {
      post(j);
    }
  }

  /// What was posted is done, then the items are asked for their last words.
  void begin_shutdown() noexcept {
    if (!last_job_.begun) {
      last_job_.begun = true;
      (void)inbox_.push(last_job_);
    }
  }
  /// Waits for them. Empty when called again.
  [[nodiscard]] std::vector<shutdown_response<Item>> end_shutdown() {
    if (thread_.joinable()) {
      thread_.join();
    }
    return std::exchange(last_job_.said, {});
  }

 private:
  struct last_job final : job<Item> {
    void run(resident_items<Item>& items) noexcept override {
      said = items.shutdown();
      done = true;
    }
    void refuse(item_status) noexcept override {}

    bool begun = false;
    bool done = false;  // of the thread
    std::vector<shutdown_response<Item>> said;
  };

  void work() {
    current = this;
    resident_items<Item> items;
    while (!last_job_.done) {
      work_off(inbox_.take(), items);
    }
    work_off(inbox_.close(), items);
  }
  void work_off(job_link* oldest, resident_items<Item>& items) noexcept {
    while (oldest != nullptr) {
      auto& j = static_cast<job<Item>&>(*std::exchange(oldest, oldest->next));
      if (last_job_.done) {
        j.refuse(item_status::closed);
      } else {
        j.run(items);
      }
    }
  }

  static inline constinit thread_local const item_thread* current = nullptr;

  job_inbox inbox_;
  last_job last_job_;
  std::thread thread_;  // last, as it uses the others
};

}  // namespace millrace::detail
