// Writing. A sender adds its message to the connection's backlog and, if nobody writes, becomes the
// writer: it takes all of the backlog, which the others have added to as well, and gives it to the
// kernel. So a message that is sent alone is written at once by its own thread, and what many
// threads send together goes in one system call.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "link/core.hpp"

namespace millrace::detail {

namespace {

/// The kernel has so many bytes more.
void count_written(connection& c, std::size_t size) {
  c.written += size;
  c.progress = c.used = std::chrono::steady_clock::now();
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
    count_written(*c, taken);
  }
  end_writing(c);
}

std::uint64_t link_core::write_in_place(lock& held, const connection_ptr& c, message_parts parts,
                                        std::size_t size) {
  byte_vector head;
  append_head(head, frame_kind::message, size);
  std::vector<boost::asio::const_buffer> all{boost::asio::buffer(head)};
  for (const auto& each : parts) {
    all.emplace_back(each.data(), each.size());
  }
  c->batch.clear();
  c->batch_written = 0;
  c->batch.reserve(head.size() + size);  // memory must not lack for what the kernel does not take
  const std::uint64_t end = c->queued += head.size() + size;  // what others add comes behind
  c->writing = true;
  boost::system::error_code ec;
  held.unlock();
  const std::size_t taken = c->socket.send(all, 0, ec);
  held.lock();
  if (taken > 0) {
    count_written(*c, taken);
  }
  // What is left is written as every batch is; so is what an error makes of it.
  std::size_t before = taken;
  for (const auto& each : all) {
    const std::size_t here = std::min(before, each.size());
    const auto* const bytes = static_cast<const std::byte*>(each.data());
    c->batch.insert(c->batch.end(), bytes + here, bytes + each.size());
    before -= here;
  }
  end_writing(c);
  return end;
}

void link_core::end_writing(const connection_ptr& c) {
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
