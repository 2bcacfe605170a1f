// Why connections end.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "link/core.hpp"

namespace millrace::detail {

namespace {

/// How long a connection at rest keeps the memory in which it gathers what is sent. The largest
/// message is the measure of that, and there may be thousands of connections.
constexpr auto buffers_kept = std::chrono::milliseconds(500);

}  // namespace

void link_core::drop(connection_ptr c, link_status why, drop_reason reason) {
  if (c->state == connection::phase::closed) {
    return;
  }
  c->state = connection::phase::closed;
  c->why = why;
  if (const auto found = peers_.find(c->key); found != peers_.end() && found->second == c) {
    peers_.erase(found);
  }
  if (c->posted > c->written) {
    remember_loss(c->key, why);
  }
  all_.erase(c);
  handshakes_.erase(c->guest);
  driver_.changed();
  boost::asio::post(strand_, [self = shared_from_this(), c = std::move(c), reason] {
    if (c->tls) {
      self->say_goodbye(*c);
    }
    boost::system::error_code ignored;
    c->socket.shutdown(boost::asio::socket_base::shutdown_both, ignored);
    c->socket.cancel(ignored);
    self->parts_size_ -= std::exchange(c->counted, 0);
    c->reader = frame_reader(0);  // others may hold the connection for long
    if (self->options_.on_drop) {
      self->options_.on_drop(c->key, reason);
    }
  });
  driver_.hurry();
}

void link_core::drop_unlocked(const connection_ptr& c, link_status why, drop_reason reason) {
  const lock held(driver_.mutex());
  drop(c, why, reason);
}

void link_core::begin_to_look_after() {
  if (!std::exchange(looking_after_, true)) {
    boost::asio::post(strand_, [self = shared_from_this()] { self->look_after_connections(); });
  }
}

void link_core::look_after_connections() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  constexpr std::size_t mib = std::size_t{1} << 20;
  const lock held(driver_.mutex());
  if (closed_ || all_.empty()) {
    looking_after_ = false;
    return;
  }
  std::vector<connection_ptr> all(all_.begin(), all_.end());
  for (const connection_ptr& c : all) {
    if (c->state == connection::phase::connecting) {
      if (now - c->progress > options_.timeout) {
        drop(c, link_status::unreachable, drop_reason::no_connection);
      }
      continue;
    }
    if (c->state == connection::phase::handshaking) {
      if (now - c->begun_at > options_.timeout) {
        drop(c, link_status::unreachable, drop_reason::too_slow);
      }
      continue;
    }
    if (!c->writing && c->written == c->queued && now - c->used > buffers_kept) {
      byte_vector().swap(c->batch);
      byte_vector().swap(c->backlog);
      c->batch_written = 0;
      if (c->tls && !c->tls_due) {
        c->tls->shrink();
      }
    }
    const bool begun = c->begun();
    const bool at_rest = c->written == c->queued && c->acknowledged == c->requests;
    if (begun && !c->paused &&
        (now - c->begun_at) / (1 + c->reader.held() / mib) > options_.patience) {
      drop(c, link_status::reset, drop_reason::too_slow);
    } else if ((c->blocked || c->mute) && now - c->progress > options_.timeout) {
      drop(c, link_status::timeout, drop_reason::unresponsive);
    } else if (c->outgoing && at_rest && !begun && now - c->used > options_.idle_after) {
      drop(c, link_status::reset, drop_reason::idle);
    }
  }
  const std::chrono::nanoseconds shortest =
      std::min({options_.timeout, options_.patience, options_.idle_after});
  timer_.expires_after(
      std::clamp<std::chrono::nanoseconds>(shortest / 8, milliseconds(5), milliseconds(250)));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) {
      self->look_after_connections();
    }
  });
}

}  // namespace millrace::detail
