// All that a tcp_link is: who listens, its connections, and what has arrived.
//
// Two kinds of code: calls of the user's threads, and handlers, which run on one strand. What both
// touch is guarded by one mutex (the driver's); what only handlers touch, sockets but for send()
// among it, needs none. Sockets never block. A connection that has ended is in no table any more;
// its socket is closed when the last who holds it lets go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <millrace/link/tcp_link.hpp>

#include "link/connection.hpp"
#include "link/driver.hpp"
#include "link/tls_context.hpp"

namespace millrace::detail {

/// A message, put together from these.
using message_parts = std::span<const std::span<const std::byte>>;

class link_core : public std::enable_shared_from_this<link_core> {
 public:
  link_core(const link_options& options, boost::asio::io_context* context);
  /// Begins to accept. Apart from the constructor, which has no shared_ptr to give to handlers.
  void start();

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  link_status send(std::string_view to, message_parts parts, bool acknowledged);
  link_status post(std::string_view to, std::span<const std::byte> bytes,
                   std::chrono::nanoseconds time, const std::stop_token& stop, bool at_once);
  link_status flush(std::string_view to);
  status receive(datagram& to, steady_time deadline, const std::stop_token& stop);
  status try_receive(datagram& to);
  void close();

  // awaiting.cpp: coroutines that wait for a message
  /// False: there is one, or there is nothing to wait for any more. True: `a` waits, and may be
  /// gone by now.
  [[nodiscard]] bool line_up(awaited_datagram& a);
  /// False: it has been called up.
  [[nodiscard]] bool step_out(awaited_datagram& a);
  /// In the place of one that was called up, and is gone.
  void call_up_another();

 private:
  using connection_ptr = std::shared_ptr<connection>;
  using lock = driver::lock;
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  /// Those for whom there are messages; all, of a link that was closed. Unlocks meanwhile.
  void call_up(lock& held) noexcept;

  // core.cpp: received messages, and the end
  void take_first(datagram& to);
  void end_all();

  // connecting.cpp
  void listen(const std::string& where);
  void accept();
  void accepted(link_socket socket);
  /// The connection to this address, which may not be open yet; makes one if there is none.
  /// Unlocks meanwhile. Nothing: `why` says it.
  [[nodiscard]] connection_ptr reach(lock& held, std::string_view to, link_status& why);
  void make_room_in_pool();
  void try_next(const connection_ptr& c);
  void opened(const connection_ptr& c);
  /// From now on messages go, those that wait at once. REQUIRES: locked; unlocks meanwhile.
  void become_open(lock& held, const connection_ptr& c);

  // securing.cpp
  // False: the connection was dropped.
  [[nodiscard]] bool begin_handshake(const connection_ptr& c);
  /// Goes on with the handshake, or cuts what the peer has sealed.
  [[nodiscard]] bool decrypt(const connection_ptr& c, std::span<const std::byte> bytes);
  void drop_untrusted(const connection_ptr& c, const std::string& why);
  /// One more is under way, of somebody who connected. REQUIRES: locked.
  void count_handshake(const connection_ptr& c);
  /// If the peer could make sense of it. REQUIRES: closed.
  void say_goodbye(connection& c);

  // sending.cpp
  /// Unlocks meanwhile.
  link_status wait_for_room(lock& held, connection& c, steady_time deadline,
                            const std::stop_token& stop);
  /// Whether posts to this address were lost, of which nobody was told yet: told now.
  link_status take_loss(std::string_view to);
  void remember_loss(const std::string& to, link_status why);

  // writing.cpp
  // Those that are given the lock unlock meanwhile.
  /// Until the kernel has all up to `end`, which is the end of a message that began at `begin`.
  link_status wait_until_written(lock& held, const connection_ptr& c, std::uint64_t begin,
                                 std::uint64_t end);
  /// Writes, if nobody else does, until the kernel has all up to `target` or takes no more.
  void write(lock& held, const connection_ptr& c, std::uint64_t target);
  /// A message of this size past the backlog, from where it lies, as far as the kernel takes it.
  /// Where it ends, as bytes to be sent are counted. REQUIRES: can_write_in_place().
  std::uint64_t write_in_place(lock& held, const connection_ptr& c, message_parts parts,
                               std::size_t size);
  /// Leaves what is there by now to others.
  void end_writing(const connection_ptr& c);
  void write_soon(const connection_ptr& c);
  void wait_until_writable(const connection_ptr& c);

  // reading.cpp
  void wait_until_readable(const connection_ptr& c);
  void read(const connection_ptr& c);
  /// False: the connection was dropped.
  [[nodiscard]] bool cut(const connection_ptr& c, std::span<const std::byte> bytes);
  void resume_reading();

  /// Counts what is held of unfinished messages; if that is too much, drops whoever has most of it.
  /// REQUIRES: locked.
  void count_part(connection& c);

  // ending.cpp
  /// Ends a connection. REQUIRES: locked.
  void drop(connection_ptr c, link_status why, drop_reason reason);
  void drop_unlocked(const connection_ptr& c, link_status why, drop_reason reason);
  /// Sees to it that look_after_connections goes on. REQUIRES: locked.
  void begin_to_look_after();
  /// Drops those that take too long, and those that nobody needs; again and again.
  void look_after_connections();

  const link_options options_;
  const std::unique_ptr<tls_context> tls_;  // none: no TLS
  driver driver_;
  const link_strand strand_;
  std::string address_;

  // Guarded by the mutex.
  bool closed_ = false;
  bool finished_ = false;
  std::unordered_set<connection_ptr> all_;
  std::unordered_map<std::string, connection_ptr, text_hash, std::equal_to<>> peers_;
  std::unordered_map<std::string, link_status, text_hash, std::equal_to<>> lost_;  // posts
  std::deque<std::string> losers_;                      // the keys of lost_, oldest first
  std::map<std::uint64_t, connection_ptr> handshakes_;  // of guests, in the order of their coming
  std::deque<datagram> received_;
  std::size_t received_size_ = 0;
  spare_memory returned_;                  // by receivers who come for another message
  std::list<awaited_datagram*> awaiting_;  // while there are messages, as many were called up
  bool reading_paused_ = false;
  bool looking_after_ = false;  // the timer runs

  // The strand's.
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, link_strand> acceptor_;
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, link_strand>
      timer_, accept_pause_;
  std::vector<std::byte> chunk_;  // what was just read, of any connection
  std::vector<std::byte> plain_;  // the same, deciphered
  spare_memory spare_;            // what was returned, for large messages
  std::uint64_t guests_ = 0;      // how many connections were accepted, with TLS
  std::deque<datagram> arrived_;  // cut from what was read
  std::size_t parts_size_ = 0;    // of unfinished messages, all connections together
  std::vector<connection_ptr> paused_;
};

}  // namespace millrace::detail
