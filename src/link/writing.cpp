// Sending. A sender adds its message to the connection's backlog and, if nobody writes, becomes the
// writer: it takes all of the backlog, which the others have added to as well, and gives it to the
// kernel. So a message that is sent alone is written at once by its own thread, and what many
// threads send together goes in one system call.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "link/core.hpp"
#include "link/wake.hpp"

namespace millrace::detail {

namespace {

/// Bytes of a backlog beyond which posts wait.
constexpr std::size_t much = std::size_t{1} << 20;
/// Addresses whose losses are remembered: peers come and go, from ever new ones.
constexpr std::size_t most_losers = 1000;
/// Bytes that are worth a system call of their own.
constexpr std::size_t enough = std::size_t{128} << 10;

/// Bytes of a message that are not worth copying.
constexpr std::size_t large = std::size_t{16} << 10;

std::size_t size_of(message_parts parts) noexcept {
  std::size_t size = 0;
  for (const auto& each : parts) {
    size += each.size();
  }
  return size;
}

void append(connection& c, message_parts parts, std::uint64_t number = 0) {
  const std::size_t before = c.backlog.size();
  const std::size_t size = size_of(parts);
  if (number == 0) {
    append_head(c.backlog, frame_kind::message, size);
  } else {
    append_head(c.backlog, frame_kind::request, number_size + size);
    append_number(c.backlog, number);
  }
  for (const auto& each : parts) {
    c.backlog.insert(c.backlog.end(), each.begin(), each.end());
  }
  c.queued += c.backlog.size() - before;
}

/// Without so many bytes at the front.
std::vector<boost::asio::const_buffer> skip(std::vector<boost::asio::const_buffer> all,
                                            std::size_t size) {
  for (auto& each : all) {
    const std::size_t here = std::min(size, each.size());
    each += here;
    size -= here;
  }
  return all;
}

/// What is written next: the backlog, and what it is time to acknowledge. Whether it acknowledges.
bool begin_batch(connection& c) {
  c.batch.clear();
  c.batch_written = 0;
  std::swap(c.batch, c.backlog);
  if (c.acknowledged_here == c.to_acknowledge) {
    return false;
  }
  const std::size_t before = c.batch.size();
  append_head(c.batch, frame_kind::acknowledgement, number_size);
  append_number(c.batch, c.to_acknowledge);
  c.acknowledged_here = c.to_acknowledge;
  c.queued += c.batch.size() - before;
  return true;
}

/// Gives the kernel what it takes of the batch; how many bytes more it has. Of what is sealed these
/// are whole records: nobody can make anything of a part of one.
std::size_t send_some(connection& c, boost::system::error_code& ec) {
  const auto bytes = std::span<const std::byte>(c.batch).subspan(c.batch_written);
  if (!c.tls) {
    return c.socket.send(boost::asio::buffer(bytes.data(), bytes.size()), 0, ec);
  }
  const auto sealed = c.tls->seal(bytes);
  if (sealed.empty() && !bytes.empty()) {
    ec = boost::asio::error::fault;
    return 0;
  }
  return c.tls->sent(c.socket.send(boost::asio::buffer(sealed.data(), sealed.size()), 0, ec));
}

}  // namespace

link_status link_core::send(std::string_view to, message_parts parts, bool acknowledged) {
  const std::size_t size = size_of(parts);
  if (size > options_.max_message_size) {
    return link_status::too_large;
  }
  lock held(driver_.mutex());
  auto why = link_status::ok;
  const connection_ptr c = reach(held, to, why);
  if (!c) {
    return why;
  }
  if (c->state == connection::phase::closed) {
    return c->why;
  }
  const std::uint64_t begin = c->queued;
  const std::uint64_t number = acknowledged ? ++c->requests : 0;
  if (size >= large && !acknowledged && c->can_write_in_place()) {
    write_in_place(held, c, parts);
  } else {
    append(*c, parts, number);
  }
  const link_status written = wait_until_written(held, c, begin, c->queued);
  if (written != link_status::ok || !acknowledged) {
    return written;
  }
  const steady_time deadline = deadline_after(options_.timeout);
  while (c->acknowledged < number) {
    if (c->state == connection::phase::closed) {
      return c->why;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return link_status::timeout;
    }
    driver_.wait(held, deadline, true);
  }
  return link_status::ok;
}

link_status link_core::post(std::string_view to, std::span<const std::byte> bytes,
                            std::chrono::nanoseconds time, const std::stop_token& stop,
                            bool at_once) {
  if (bytes.size() > options_.max_message_size) {
    return link_status::too_large;
  }
  const wake_on_stop on_stop(stop, waking{&driver_});
  lock held(driver_.mutex());
  if (const link_status lost = take_loss(to); lost != link_status::ok) {
    return lost;
  }
  auto why = link_status::ok;
  const connection_ptr c = reach(held, to, why);
  if (!c) {
    return why;
  }
  if (c->queued - c->written > much) {
    why = wait_for_room(held, *c, deadline_after(time), stop);
    if (why != link_status::ok) {
      return why;
    }
  }
  if (c->state == connection::phase::closed) {
    (void)take_loss(to);  // it is told by this
    return c->why;
  }
  append(*c, {&bytes, 1});
  c->posted = c->queued;
  if (at_once || c->backlog.size() >= enough) {
    write(held, c, c->queued);
  } else {
    write_soon(c);
  }
  return link_status::ok;
}

link_status link_core::flush(std::string_view to) {
  lock held(driver_.mutex());
  const auto found = peers_.find(to);
  if (found != peers_.end()) {
    const connection_ptr c = found->second;
    const link_status s = wait_until_written(held, c, c->queued, c->queued);
    if (s != link_status::ok) {
      (void)take_loss(to);
      return s;
    }
  }
  return closed_ ? link_status::closed : take_loss(to);
}

link_status link_core::take_loss(std::string_view to) {
  const auto found = lost_.find(to);
  if (found == lost_.end()) {
    return link_status::ok;
  }
  const link_status why = found->second;
  lost_.erase(found);
  std::erase(losers_, to);
  return why;
}

void link_core::remember_loss(const std::string& to, link_status why) {
  if (lost_.insert_or_assign(to, why).second) {
    losers_.push_back(to);
  }
  if (losers_.size() > most_losers) {
    lost_.erase(losers_.front());
    losers_.pop_front();
  }
}

void link_core::write_in_place(lock& held, const connection_ptr& c, message_parts parts) {
  const std::size_t size = size_of(parts);
  byte_vector head;
  append_head(head, frame_kind::message, size);
  std::vector<boost::asio::const_buffer> all{boost::asio::buffer(head)};
  for (const auto& each : parts) {
    all.emplace_back(each.data(), each.size());
  }
  c->batch.clear();
  c->batch_written = 0;
  c->batch.reserve(head.size() + size);  // memory must not lack for what the kernel does not take
  c->queued += head.size() + size;       // what others add now comes behind
  c->writing = true;
  boost::system::error_code ec;
  held.unlock();
  const std::size_t taken = c->socket.send(all, 0, ec);
  held.lock();
  // What is left is written as every batch is; so is what an error makes of it.
  c->batch.resize(head.size() + size - taken);
  boost::asio::buffer_copy(boost::asio::buffer(c->batch), skip(all, taken));
  if (taken > 0) {
    c->written += taken;
    c->progress = c->used = std::chrono::steady_clock::now();
  }
  c->writing = false;
  driver_.changed();
  if (c->posted > c->written) {
    write_soon(c);
  }
}

link_status link_core::wait_for_room(lock& held, connection& c, steady_time deadline,
                                     const std::stop_token& stop) {
  while (c.state != connection::phase::closed && c.queued - c.written > much) {
    if (stop.stop_requested()) {
      return link_status::cancelled;
    }
    if (deadline != never && std::chrono::steady_clock::now() >= deadline) {
      return link_status::timeout;
    }
    driver_.wait(held, deadline, !c.writing);
  }
  return link_status::ok;
}

link_status link_core::wait_until_written(lock& held, const connection_ptr& c, std::uint64_t begin,
                                          std::uint64_t end) {
  for (;;) {
    write(held, c, end);
    if (c->written >= end) {
      return link_status::ok;
    }
    if (c->state == connection::phase::closed) {
      return c->written > begin ? link_status::short_write : c->why;
    }
    // Another thread writes, or the kernel takes no more, or it is not connected yet.
    driver_.wait(held, never, !c->writing);
  }
}

void link_core::write(lock& held, const connection_ptr& c, std::uint64_t target) {
  if (!c->can_write()) {
    return;
  }
  c->writing = true;
  while (c->must_write(target)) {
    if (c->state == connection::phase::open && c->batch_written == c->batch.size() &&
        begin_batch(*c)) {
      target = std::max(target, c->queued);
    }
    c->tls_due = false;
    boost::system::error_code ec;
    held.unlock();
    const std::size_t taken = send_some(*c, ec);
    held.lock();
    if (c->tls) {
      c->tls_due = c->tls_due || c->tls->unsent();
    }
    if (ec == boost::asio::error::would_block) {
      if (c->state == connection::phase::closed) {
        break;  // by now, and nobody may run handlers any more
      }
      c->blocked = true;
      boost::asio::post(strand_, [self = shared_from_this(), c] { self->wait_until_writable(c); });
      driver_.hurry();
      break;
    }
    if (ec == boost::asio::error::fault && c->tls_due) {
      continue;  // who reads has heard the peer out meanwhile
    }
    if (ec && c->tls) {
      // Who reads will hear what is missing, or find out why it fails: maybe the peer has said so.
      c->mute = true;
      c->progress = std::chrono::steady_clock::now();
      break;
    }
    if (ec) {
      drop(c, link_status::reset, drop_reason::reset);
      break;
    }
    c->batch_written += taken;
    c->written += taken;
    c->progress = c->used = std::chrono::steady_clock::now();
  }
  c->writing = false;
  driver_.changed();
  if (c->posted > c->written) {
    write_soon(c);
  }
}

void link_core::write_soon(const connection_ptr& c) {
  if (c->flush_coming || !c->can_write()) {
    return;
  }
  c->flush_coming = true;
  boost::asio::post(strand_, [self = shared_from_this(), c] {
    lock held(self->driver_.mutex());
    self->write(held, c, c->queued);
    c->flush_coming = false;  // not before: those who post meanwhile need not wake anybody
    if (c->posted > c->written) {
      self->write_soon(c);
    }
  });
  driver_.hurry();
}

void link_core::wait_until_writable(const connection_ptr& c) {
  c->socket.async_wait(boost::asio::socket_base::wait_write,
                       [self = shared_from_this(), c](const boost::system::error_code&) {
                         lock held(self->driver_.mutex());
                         c->blocked = false;
                         self->write(held, c, c->queued);
                       });
}

}  // namespace millrace::detail
