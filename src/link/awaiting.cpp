// Coroutines that wait for a message; awaited_datagram.hpp says how.
#include <algorithm>
#include <utility>

#include "link/core.hpp"

namespace millrace::detail {

void called_up::go_on() {
  while (!line_.empty()) {
    awaited_datagram& next = *line_.front();
    next.place_.splice(next.place_.begin(), line_, line_.begin());
    next.where_.go_on_with(next);  // from here on it may be gone
  }
}

bool link_core::line_up(awaited_datagram& a) {
  called_up next;
  const lock held(driver_.mutex());
  if (closed_) {
    return false;
  }
  if (a.stop_.stop_requested()) {
    call_up(next);  // it may have been called up itself, and leaves the message
    return false;
  }
  if (!received_.empty()) {
    take_first(a.found_.emplace());
    return false;
  }
  awaiting_.splice(awaiting_.end(), a.place_);
  a.in_line_ = true;
  driver_.hurry();
  return true;
}

bool link_core::step_out(awaited_datagram& a) {
  const lock held(driver_.mutex());
  if (!std::exchange(a.in_line_, false)) {
    return false;
  }
  a.place_.splice(a.place_.begin(), awaiting_, a.at_);
  return true;
}

void link_core::call_up(called_up& to) {
  const std::size_t count =
      closed_ ? awaiting_.size() : std::min(awaiting_.size(), received_.size());
  for (std::size_t i = 0; i < count; ++i) {
    awaiting_.front()->in_line_ = false;
    to.line_.splice(to.line_.end(), awaiting_, awaiting_.begin());
  }
}

void link_core::call_up_another() {
  called_up next;
  const lock held(driver_.mutex());
  call_up(next);
}

awaited_datagram::awaited_datagram(std::shared_ptr<link_core> from, scheduler where,
                                   std::stop_token stop)
    : resumable{[](resumable& r) { static_cast<awaited_datagram&>(r).go_on(); }},
      from_(std::move(from)), where_(std::move(where)), stop_(std::move(stop)) {}

awaited_datagram::~awaited_datagram() {
  stop_call_.reset();
  if (coroutine_ && !from_->step_out(*this)) {  // destroyed with its coroutine
    where_.forget(*this);
    from_->call_up_another();
  }
}

bool awaited_datagram::await_ready() {
  if (operations_left == 0) {
    return false;  // others first
  }
  --operations_left;
  if (stop_.stop_requested()) {
    return true;
  }
  datagram d;
  const status s = from_->try_receive(d);
  if (s == status::ok) {
    found_ = std::move(d);
  }
  return s != status::empty;
}

bool awaited_datagram::await_suspend(std::coroutine_handle<> h) {
  at_ = place_.insert(place_.end(), this);
  if (stop_.stop_possible()) {
    stop_call_.emplace(stop_, stopper{*this});
  }
  if (operations_left == 0) {
    where_.go_on_with(*this, h, coroutine_);
    return true;
  }
  coroutine_ = h;
  const auto from = from_;  // this may be gone before the call returns
  return from->line_up(*this);
}

std::optional<datagram> awaited_datagram::await_resume() noexcept {
  coroutine_ = {};
  return std::move(found_);
}

void awaited_datagram::go_on() {
  const auto from = from_;
  if (!from->line_up(*this)) {
    coroutine_.resume();
  }
}

void awaited_datagram::stopper::operator()() const noexcept {
  if (self.from_->step_out(self)) {
    self.where_.go_on_with(self);
  }
}

}  // namespace millrace::detail
