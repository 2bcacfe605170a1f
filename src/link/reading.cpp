// Receiving. A connection that is idle has no buffer: it is read, when there is something, into one
// that all share.
#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <utility>

#include "link/core.hpp"

namespace millrace::detail {

namespace {

/// So that one busy connection does not keep the others waiting.
constexpr int chunks_in_a_row = 4;

drop_reason reason_of(flaw found) {
  return found == flaw::too_large ? drop_reason::too_large : drop_reason::not_a_message;
}

}  // namespace

void link_core::wait_until_readable(const connection_ptr& c) {
  c->socket.async_wait(boost::asio::socket_base::wait_read,
                       [self = shared_from_this(), c](const boost::system::error_code& ec) {
                         if (!ec) {
                           self->read(c);
                         }
                       });
}

void link_core::read(const connection_ptr& c) {
  for (int i = 0; i < chunks_in_a_row; ++i) {
    {
      const lock held(driver_.mutex());
      if (closed_ || c->state == connection::phase::closed) {
        return;  // what it holds is counted no more
      }
      c->paused = reading_paused_ && c->state == connection::phase::open;
      if (spare_.empty()) {
        spare_.swap(returned_);
      }
    }
    if (c->paused) {
      paused_.push_back(c);
      return;
    }
    boost::system::error_code ec;
    // The rest of a large message goes where it belongs, and little besides, as the next one is
    // to be read in the same way.
    const auto room = c->tls ? std::span<std::byte>() : c->reader.room();
    const std::array<boost::asio::mutable_buffer, 2> all{
        boost::asio::buffer(room.data(), room.size()),
        boost::asio::buffer(chunk_, room.empty() ? chunk_.size() : least_spare / 4)};
    const std::size_t size = c->socket.receive(all, 0, ec);
    if (ec == boost::asio::error::would_block) {
      break;
    }
    if (ec && c->tls && !c->tls->established()) {
      drop_untrusted(c, "it hung up before the handshake was done");
      return;
    }
    if (ec) {
      // With TLS a peer says goodbye first; otherwise somebody may have cut off what it said last.
      const bool between = ec == boost::asio::error::eof && !c->reader.begun() && !c->tls;
      drop_unlocked(c, link_status::reset,
                    between ? drop_reason::closed_by_peer : drop_reason::reset);
      return;
    }
    if (!c->begun()) {
      c->begun_at = std::chrono::steady_clock::now();
    }
    const std::size_t in_place = std::min(size, room.size());
    c->reader.skip(in_place);
    const auto bytes = std::span<const std::byte>(chunk_).first(size - in_place);
    if (!(c->tls ? decrypt(c, bytes) : cut(c, bytes))) {
      return;
    }
    if (size < boost::asio::buffer_size(all)) {
      break;
    }
  }
  wait_until_readable(c);
}

bool link_core::cut(const connection_ptr& c, std::span<const std::byte> bytes) {
  std::uint64_t to_acknowledge = 0;
  std::uint64_t acknowledged = 0;
  std::size_t frames = 0;
  std::size_t arrived_size = 0;
  const auto take = [&](frame&& f) {
    ++frames;
    if (f.kind == frame_kind::acknowledgement) {
      acknowledged = f.number;
      return;
    }
    if (f.kind == frame_kind::request) {
      to_acknowledge = f.number;
    }
    arrived_.push_back({std::move(f.bytes), c->key, c->local});
    arrived_size += weight(arrived_.back());
  };
  auto found = flaw::none;
  try {
    found = c->reader.read(bytes, spare_, take);
  } catch (const std::bad_alloc&) {
    arrived_.clear();
    drop_unlocked(c, link_status::reset, drop_reason::too_much_memory);
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  if (frames > 0) {
    c->begun_at = now;
  }

  lock held(driver_.mutex());
  if (closed_) {  // nobody will receive them, so they are not acknowledged
    arrived_.clear();
    return false;
  }
  count_part(*c);
  c->used = now;
  received_size_ += arrived_size;
  if (received_.empty()) {
    received_.swap(arrived_);
  } else {
    std::ranges::move(arrived_, std::back_inserter(received_));
    arrived_.clear();
  }
  reading_paused_ = reading_paused_ || received_size_ > options_.memory_limit / 2;
  c->to_acknowledge = std::max(c->to_acknowledge, to_acknowledge);
  const bool believable = acknowledged <= c->requests;
  c->acknowledged = std::max(c->acknowledged, acknowledged);
  driver_.changed();
  call_up(held);
  if (found != flaw::none || !believable) {
    drop(c, link_status::reset,
         found == flaw::none ? drop_reason::not_a_message : reason_of(found));
    return false;
  }
  if (c->state == connection::phase::closed) {
    return false;
  }
  write(held, c, c->written);  // acknowledges
  return true;
}

void link_core::count_part(connection& c) {
  parts_size_ += c.reader.held() - c.counted;
  c.counted = c.reader.held();
  const std::size_t most = std::max(options_.memory_limit / 2, options_.max_message_size);
  while (parts_size_ > most) {
    const auto found = std::ranges::max_element(all_, {}, &connection::counted);
    if (found == all_.end() || (*found)->counted == 0) {
      return;  // the rest is of those that were dropped already
    }
    const connection_ptr largest = *found;
    parts_size_ -= std::exchange(largest->counted, 0);
    drop(largest, link_status::reset, drop_reason::too_much_memory);
  }
}

void link_core::resume_reading() {
  const auto now = std::chrono::steady_clock::now();
  for (const connection_ptr& c : std::exchange(paused_, {})) {
    c->paused = false;
    c->begun_at = now;
    wait_until_readable(c);
  }
}

}  // namespace millrace::detail
