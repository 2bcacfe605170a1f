// Who runs the io_context of a link.
//
// There is one seat, and whoever has it runs handlers. A thread that waits for something that only
// a handler brings takes the seat itself: then no other thread has to be woken to fetch it, and
// none to be told. A thread of the link's own has the seat when nobody waits.
//
//   empty ──▶ waiter ──▶ empty       a waiting thread, for one handler or until its deadline
//   empty ──▶ background ──▶ empty   the own thread, until a waiter asks for the seat
//
// A thread that waits again and again leaves the seat empty in between, too shortly for the own
// thread to be woken each time. So that one looks every `soon`: if nobody sat down since it looked
// last, it takes the seat; if one and the same waiter has it still, it sleeps until that one rises.
//
// All of it is guarded by the mutex, which is the link's as well. If the context is the user's, his
// threads run the handlers, and nobody takes the seat.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <millrace/detail/deadline.hpp>

namespace millrace::detail {

class driver {
 public:
  using lock = std::unique_lock<std::mutex>;

  /// Leaves the running to those who run `context`; if there is none, makes one and runs it.
  explicit driver(boost::asio::io_context* context);
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  ~driver();

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
  [[nodiscard]] bool own() const noexcept { return own_ != nullptr; }

  // REQUIRES, for all of these: the mutex is held, by `held` where that is asked for.

  /// Waits until something may have changed, or to the deadline; unlocks meanwhile. `by_handler`:
  /// only a handler, or interrupt(), brings what is waited for.
  void wait(lock& held, steady_time deadline, bool by_handler);
  /// Something changed, and this is a handler or nobody waits for this kind of thing by_handler.
  void changed();
  /// Something changed; wakes the waiter in the seat as well.
  void interrupt();
  /// There are handlers to run and maybe nobody in the seat: the own thread takes it now.
  void hurry();

  /// Ends the own thread; afterwards runs what handlers are left, until there are none.
  /// REQUIRES: own(), not locked; all that was begun was cancelled; called once.
  void finish();

 private:
  enum class seat {
    empty,
    waiter,
    background
  };

  void run_background();
  void park(lock& held);

  std::mutex mutex_;
  std::condition_variable condition_;
  std::size_t waiting_ = 0;  // at condition_
  seat seat_ = seat::empty;
  std::uint64_t turns_ = 0;  // how often a waiter rose
  bool asked_ = false;       // a waiter wants the background thread's seat
  bool stopping_ = false;

  std::condition_variable parked_;  // where the own thread is while it has no seat
  bool resting_ = false;            // for as long as this waiter sits
  bool hurry_ = false;

  std::unique_ptr<boost::asio::io_context> own_;
  boost::asio::io_context& context_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::thread background_;
};

}  // namespace millrace::detail
