// TLS between the sockets of a link and its frames. Before the handshake is done a connection is
// not open: its senders wait, and nothing that the peer says reaches the link's user.
#include <new>
#include <string>
#include <utility>

#include "link/addresses.hpp"
#include "link/core.hpp"

namespace millrace::detail {

namespace {

/// Handshakes of those who connect that may be under way at once. Each takes up to about 200 KB,
/// and those who know each other are done in two round trips.
constexpr std::size_t most_handshakes = 256;

}  // namespace

bool link_core::begin_handshake(const connection_ptr& c) {
  try {
    c->tls = c->outgoing ? tls_->connect(host_of(c->key)) : tls_->accept();
  } catch (const std::bad_alloc&) {
    drop_unlocked(c, link_status::reset, drop_reason::too_much_memory);
    return false;
  }
  {
    const lock held(driver_.mutex());
    if (c->state == connection::phase::closed) {
      return false;
    }
    c->state = connection::phase::handshaking;
    c->begun_at = c->outgoing ? c->progress : std::chrono::steady_clock::now();
    if (!c->outgoing) {
      count_handshake(c);
    }
  }
  return decrypt(c, {});  // who connects speaks first
}

void link_core::count_handshake(const connection_ptr& c) {
  handshakes_.emplace(c->guest, c);
  if (handshakes_.size() > most_handshakes) {
    // The oldest: who is silent gets there, and who has just come has had no time to prove himself.
    drop(handshakes_.begin()->second, link_status::reset, drop_reason::too_many_handshakes);
  }
}

bool link_core::decrypt(const connection_ptr& c, std::span<const std::byte> bytes) {
  const bool was_established = c->tls->established();
  const auto got = c->tls->read(bytes, plain_);
  {
    lock held(driver_.mutex());
    c->tls_due = c->tls_due || got.answers;
    c->mute = c->mute && !got.answers;
    if (c->tls->established() && !was_established) {
      c->begun_at = std::chrono::steady_clock::now();
      become_open(held, c);
    } else {
      write(held, c, c->written);  // answers; if it failed, with the reason
    }
    if (c->state == connection::phase::closed) {
      return false;
    }
  }
  if (got.size > 0 && !cut(c, std::span(plain_).first(got.size))) {
    return false;
  }
  switch (got.how) {
  case tls_session::outcome::going_on:
    return true;
  case tls_session::outcome::ended:
    drop_unlocked(c, link_status::reset,
                  c->reader.begun() ? drop_reason::reset : drop_reason::closed_by_peer);
    return false;
  case tls_session::outcome::failed:
    drop_untrusted(c, c->tls->why());
    return false;
  }
  return false;
}

void link_core::drop_untrusted(const connection_ptr& c, const std::string& why) {
  if (options_.tls->on_untrusted) {
    options_.tls->on_untrusted(c->key, why);
  }
  drop_unlocked(c, link_status::untrusted, drop_reason::untrusted);
}

void link_core::say_goodbye(connection& c) {
  {
    const lock held(driver_.mutex());
    if (c.writing) {
      return;
    }
  }
  if (c.tls->unsent()) {
    return;  // it would come in the middle of a record
  }
  if (c.tls->established()) {
    c.tls->end();
  }
  const auto last = c.tls->seal({});
  boost::system::error_code ignored;
  c.socket.send(boost::asio::buffer(last.data(), last.size()), 0, ignored);
}

}  // namespace millrace::detail
