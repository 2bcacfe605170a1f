// Taking the seat, leaving it, and coming back to it.
#include "link/driver.hpp"

#include <chrono>

#include <boost/asio/post.hpp>

namespace millrace::detail {

namespace {
constexpr auto soon = std::chrono::milliseconds(1);
constexpr int one_thread_at_a_time = 1;
}  // namespace

driver::driver(boost::asio::io_context* context)
    : own_(context ? nullptr : std::make_unique<boost::asio::io_context>(one_thread_at_a_time)),
      context_(context ? *context : *own_) {
  if (own()) {
    work_.emplace(context_.get_executor());
    background_ = std::thread([this] { run_background(); });
  }
}

driver::~driver() {
  if (background_.joinable()) {  // a link that could not be made
    finish();
  }
}

void driver::wait(lock& held, steady_time deadline, bool by_handler) {
  if (own() && by_handler && seat_ == seat::empty && !stopping_) {
    seat_ = seat::waiter;
    held.unlock();
    if (deadline == never) {
      context_.run_one();
    } else {
      context_.run_one_until(deadline);
    }
    held.lock();
    seat_ = seat::empty;
    ++turns_;
    changed();  // one of them may want the seat
    if (resting_) {
      resting_ = false;
      parked_.notify_one();
    }
    return;
  }
  if (by_handler && seat_ == seat::background && !asked_) {
    asked_ = true;
    boost::asio::post(context_, [] {});
  }
  ++waiting_;
  if (deadline == never) {
    condition_.wait(held);
  } else {
    condition_.wait_until(held, deadline);
  }
  --waiting_;
}

void driver::changed() {
  if (waiting_ > 0) {
    condition_.notify_all();
  }
}

void driver::interrupt() {
  changed();
  if (seat_ == seat::waiter) {
    boost::asio::post(context_, [] {});
  }
}

void driver::hurry() {
  if (own() && seat_ == seat::empty) {
    hurry_ = true;
    parked_.notify_one();
  }
}

void driver::run_background() {
  lock held(mutex_);
  while (!stopping_) {
    if (seat_ == seat::empty) {
      seat_ = seat::background;
      while (!stopping_ && !asked_) {
        held.unlock();
        context_.run_one();
        held.lock();
      }
      asked_ = false;
      seat_ = seat::empty;
      changed();
    }
    park(held);
  }
}

void driver::park(lock& held) {
  hurry_ = false;
  bool first = true;
  for (std::uint64_t seen = turns_; !stopping_; first = false) {
    if (!first && turns_ == seen) {
      if (seat_ == seat::empty) {
        return;
      }
      resting_ = true;
      parked_.wait(held, [this] { return !resting_ || stopping_; });
      resting_ = false;
    }
    seen = turns_;
    parked_.wait_for(held, soon, [this] { return hurry_ || stopping_; });
    if (hurry_ && seat_ == seat::empty) {
      return;
    }
    hurry_ = false;
  }
}

void driver::finish() {
  {
    lock held(mutex_);
    stopping_ = true;
    parked_.notify_one();
    if (seat_ != seat::empty) {
      boost::asio::post(context_, [] {});
    }
    changed();
    while (seat_ == seat::waiter) {
      ++waiting_;
      condition_.wait(held);
      --waiting_;
    }
  }
  background_.join();
  work_.reset();
  context_.run();
}

}  // namespace millrace::detail
