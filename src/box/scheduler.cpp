// What a scheduler keeps: the lanes of its jobs, and which thread does one of them.
#include <millrace/box/scheduler.hpp>

#include <millrace/detail/adaptive_mutex.hpp>
#include <millrace/detail/atomics.hpp>
#include <millrace/detail/spinning.hpp>

#include "box/ready_lanes.hpp"

namespace millrace::detail {

namespace {

struct lane_atomics : native_atomics {
  using mutex = adaptive_mutex;
};

/// The queue whose job this thread does, and the job's lane.
struct place {
  const void* queue;
  void* lane;
};
constinit thread_local place works_at{};

}  // namespace

struct ready_queue::parts {
  struct host {
    static constexpr std::size_t lanes = 8;
    static constexpr int resumptions_in_a_row = 256;
    static constexpr int waits_for_more = 4;

    void post_job() { queue.post_work(); }
    static void before_each() noexcept { operations_left = operations_in_a_row; }
    /// Half a microsecond, or two where a pause is longer.
    static void wait_for_more() noexcept {
      constexpr int pauses = 48;
      for (int i = 0; i < pauses; ++i) {
        native_atomics::pause();
      }
    }
    template <class Done>
    [[nodiscard]] static bool wait_briefly(Done done) {
      return yield_until(done);
    }

    ready_queue& queue;
  };
  using lanes_type = ready_lanes<lane_atomics, host>;

  /// While it lasts, the thread works at the job's lane.
  class work_place {
   public:
    work_place(const ready_queue& queue, lanes_type::lane& lane) noexcept : before_(works_at) {
      works_at = {&queue, &lane};
    }
    work_place(const work_place&) = delete;
    work_place& operator=(const work_place&) = delete;
    ~work_place() { works_at = before_; }

   private:
    const place before_;
  };

  explicit parts(ready_queue& queue) : jobs{queue} {}

  host jobs;
  lanes_type lanes{jobs};
};

ready_queue::ready_queue() : parts_(std::make_unique<parts>(*this)) {}
ready_queue::~ready_queue() = default;

void ready_queue::push(resumable& r) {
  if (works_at.queue == this) {
    parts_->lanes.push(r, *static_cast<parts::lanes_type::lane*>(works_at.lane));
  } else {
    parts_->lanes.feed(r);
  }
}

bool ready_queue::remove(resumable& r) noexcept {
  return parts_->lanes.remove(r);
}

void ready_queue::work() {
  const parts::lanes_type::job job(parts_->lanes);
  const parts::work_place here(*this, job.own_lane());
  parts_->lanes.work(job);
}

}  // namespace millrace::detail
