// Listening, accepting, and connecting to peers.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "link/addresses.hpp"
#include "link/core.hpp"

namespace millrace::detail {

namespace {

using boost::asio::ip::tcp;

/// An option of TCP with an int for its value, of those that Asio has no name for.
template <int Name>
class tcp_option {
 public:
  explicit tcp_option(int value) noexcept : value_(value) {}
  template <class Protocol>
  [[nodiscard]] static int level(const Protocol&) noexcept {
    return IPPROTO_TCP;
  }
  template <class Protocol>
  [[nodiscard]] static int name(const Protocol&) noexcept {
    return Name;
  }
  template <class Protocol>
  [[nodiscard]] const void* data(const Protocol&) const noexcept {
    return &value_;
  }
  template <class Protocol>
  [[nodiscard]] static std::size_t size(const Protocol&) noexcept {
    return sizeof(int);
  }

 private:
  int value_;
};

/// A peer whose machine is gone says nothing; so it is asked now and then.
void set_options(link_socket& socket) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  socket.set_option(tcp_option<TCP_KEEPIDLE>(30), ignored);   // seconds
  socket.set_option(tcp_option<TCP_KEEPINTVL>(10), ignored);  // seconds
  socket.set_option(tcp_option<TCP_KEEPCNT>(3), ignored);
}

link_status status_of(const boost::system::error_code& ec) {
  namespace error = boost::asio::error;
  return ec == error::connection_refused ? link_status::refused : link_status::unreachable;
}

}  // namespace

void link_core::listen(const std::string& where) {
  const auto found = resolve(where, driver_.context());
  if (found.empty()) {
    throw error(errc::invalid_option,
                fmt::format("link: '{}' is no address to listen at; write HOST:PORT or "
                            "[IPV6]:PORT",
                            where));
  }
  const tcp::endpoint& endpoint = found.front();
  try {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(4096);
    address_ = text_of(acceptor_.local_endpoint());
  } catch (const boost::system::system_error& e) {
    const bool denied = e.code() == boost::asio::error::access_denied;
    throw error(denied ? errc::permission_denied : errc::system,
                fmt::format("link: cannot listen at '{}': {}", where, e.code().message()));
  }
}

void link_core::accept() {
  acceptor_.async_accept(
      [self = shared_from_this()](boost::system::error_code ec, link_socket socket) {
        if (!ec) {
          self->accepted(std::move(socket));
        } else if (!self->acceptor_.is_open()) {
          return;
        } else if (ec != boost::asio::error::connection_aborted) {
          // No descriptors left, most likely. Others will be closed.
          self->accept_pause_.expires_after(std::chrono::milliseconds(50));
          self->accept_pause_.async_wait([self](boost::system::error_code) {
            if (self->acceptor_.is_open()) {
              self->accept();
            }
          });
          return;
        }
        self->accept();
      });
}

void link_core::accepted(link_socket socket) {
  boost::system::error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) {
    return;  // gone already
  }
  const auto c = std::make_shared<connection>(strand_, options_.max_message_size);
  c->socket = std::move(socket);
  c->key = text_of(peer);
  if (tls_) {
    c->guest = ++guests_;
    c->key += fmt::format("#{}", c->guest);
  }
  {
    const lock held(driver_.mutex());
    if (closed_) {
      return;
    }
    all_.insert(c);
    peers_.try_emplace(c->key, c);
  }
  opened(c);
}

link_core::connection_ptr link_core::reach(lock& held, std::string_view to, link_status& why) {
  if (closed_) {
    why = link_status::closed;
    return nullptr;
  }
  if (const auto found = peers_.find(to); found != peers_.end()) {
    return found->second;
  }
  const auto c = std::make_shared<connection>(strand_, options_.max_message_size);
  c->key = to;
  c->outgoing = true;
  c->progress = c->used = std::chrono::steady_clock::now();
  make_room_in_pool();
  peers_.emplace(c->key, c);
  all_.insert(c);
  held.unlock();
  c->untried = resolve(c->key, driver_.context());
  std::ranges::reverse(c->untried);
  held.lock();
  if (c->state == connection::phase::closed) {
    return c;
  }
  if (c->untried.empty()) {
    drop(c, link_status::unresolved, drop_reason::no_connection);
  } else {
    boost::asio::post(strand_, [self = shared_from_this(), c] { self->try_next(c); });
    begin_to_look_after();
    driver_.hurry();
  }
  return c;
}

void link_core::make_room_in_pool() {
  std::size_t pooled = 0;
  connection_ptr oldest;
  for (const auto& [key, c] : peers_) {
    if (!c->outgoing) {
      continue;
    }
    ++pooled;
    const bool at_rest = c->state == connection::phase::open && c->written == c->queued &&
                         c->acknowledged == c->requests && !c->writing;
    if (at_rest && (!oldest || c->used < oldest->used)) {
      oldest = c;
    }
  }
  if (pooled >= options_.pool_size && oldest) {
    drop(oldest, link_status::reset, drop_reason::displaced);
  }
}

void link_core::try_next(const connection_ptr& c) {
  {
    const lock held(driver_.mutex());
    if (c->state == connection::phase::closed) {
      return;
    }
  }
  boost::system::error_code ignored;
  c->socket.close(ignored);
  const auto endpoint = c->untried.back();
  c->untried.pop_back();
  c->socket.async_connect(endpoint,
                          [self = shared_from_this(), c](const boost::system::error_code& ec) {
                            if (!ec) {
                              self->opened(c);
                            } else if (!c->untried.empty()) {
                              self->try_next(c);
                            } else {
                              self->drop_unlocked(c, status_of(ec), drop_reason::no_connection);
                            }
                          });
}

void link_core::opened(const connection_ptr& c) {
  set_options(c->socket);
  boost::system::error_code ec;
  const auto local = c->socket.local_endpoint(ec);
  const auto peer = c->socket.remote_endpoint(ec);
  lock held(driver_.mutex());
  if (ec) {
    drop(c, link_status::reset, drop_reason::reset);
  } else if (local == peer) {
    // TCP connects to itself where nobody listens, if it takes that very port to come from.
    drop(c, link_status::refused, drop_reason::no_connection);
  }
  if (c->state == connection::phase::closed) {
    return;
  }
  c->local = text_of(local);
  begin_to_look_after();
  if (!tls_) {
    become_open(held, c);
  }
  held.unlock();
  if (!tls_ || begin_handshake(c)) {
    wait_until_readable(c);
  }
}

void link_core::become_open(lock& held, const connection_ptr& c) {
  if (c->state == connection::phase::closed) {
    return;
  }
  c->progress = c->used = std::chrono::steady_clock::now();
  c->state = connection::phase::open;
  handshakes_.erase(c->guest);
  driver_.changed();
  if (c->can_write()) {  // what was posted, or what its senders wait for
    write(held, c, c->queued);
  }
}

}  // namespace millrace::detail
