// What users call, but for sending; and the end of a link.
#include "link/core.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "link/wake.hpp"

namespace millrace::detail {

namespace {

constexpr std::size_t chunk_size = std::size_t{256} << 10;

}  // namespace

link_core::link_core(const link_options& options, boost::asio::io_context* context)
    : options_(options),
      tls_(options.tls ? std::make_unique<tls_context>(*options.tls, !options.address.empty())
                       : nullptr),
      driver_(context), strand_(driver_.context().get_executor()), acceptor_(strand_),
      timer_(strand_), accept_pause_(strand_), chunk_(chunk_size),
      plain_(tls_ ? chunk_size + tls_session::record_size : 0) {
  const auto none = std::chrono::nanoseconds::zero();
  if (options_.timeout <= none || options_.idle_after <= none || options_.patience <= none ||
      options_.pool_size == 0 || options_.max_message_size == 0 || options_.memory_limit == 0 ||
      options_.max_message_size > 0xFFFF'FFF0) {
    throw error(errc::invalid_option, "link: times and sizes must be positive, and a message can "
                                      "have less than 4 GiB");
  }
  if (!options_.address.empty()) {
    listen(options_.address);
  }
}

void link_core::start() {
  if (acceptor_.is_open()) {
    boost::asio::post(strand_, [self = shared_from_this()] { self->accept(); });
  }
}

void link_core::take_first(datagram& to) {
  received_size_ -= weight(received_.front());
  const std::size_t old = to.bytes.capacity();
  if (old >= least_spare && old <= most_spare && returned_.size() < spare_pieces) {
    returned_.push_back(std::move(to.bytes));
  }
  to = std::move(received_.front());
  received_.pop_front();
  if (reading_paused_ && (received_size_ < options_.memory_limit / 4 || received_.empty())) {
    reading_paused_ = false;
    boost::asio::post(strand_, [self = shared_from_this()] { self->resume_reading(); });
    driver_.hurry();
  }
}

status link_core::try_receive(datagram& to) {
  const lock held(driver_.mutex());
  if (closed_) {
    return status::closed;
  }
  if (received_.empty()) {
    return status::empty;
  }
  take_first(to);
  return status::ok;
}

status link_core::receive(datagram& to, steady_time deadline, const std::stop_token& stop) {
  const wake_on_stop on_stop(stop, waking{&driver_});
  lock held(driver_.mutex());
  for (;;) {
    if (closed_) {
      return status::closed;
    }
    if (stop.stop_requested()) {
      return status::cancelled;
    }
    if (!received_.empty()) {
      take_first(to);
      return status::ok;
    }
    if (deadline != never && std::chrono::steady_clock::now() >= deadline) {
      return status::timeout;
    }
    driver_.wait(held, deadline, true);
  }
}

void link_core::close() {
  lock held(driver_.mutex());
  if (!std::exchange(closed_, true)) {
    driver_.interrupt();
    boost::asio::post(strand_, [self = shared_from_this()] { self->end_all(); });
    call_up(held);
    if (!driver_.own()) {
      return;
    }
    held.unlock();
    driver_.finish();
    held.lock();
    finished_ = true;
    driver_.changed();
  }
  while (driver_.own() && !finished_) {
    driver_.wait(held, never, false);
  }
}

void link_core::end_all() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  accept_pause_.cancel();
  paused_.clear();
  const lock held(driver_.mutex());
  while (!all_.empty()) {
    const connection_ptr c = *all_.begin();
    if (c->state != connection::phase::connecting) {
      // With bytes unread the kernel would tell the peer to forget what it has not read yet.
      for (int i = 0; i < 16 && c->socket.receive(boost::asio::buffer(chunk_), 0, ignored) > 0;) {
        ++i;
      }
    }
    drop(c, link_status::closed, drop_reason::closed);
  }
  received_.clear();
}

}  // namespace millrace::detail
