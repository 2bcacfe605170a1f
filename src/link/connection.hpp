// One TCP connection of a link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>

#include <millrace/detail/deadline.hpp>
#include <millrace/link/tcp_link.hpp>

#include "link/frame.hpp"
#include "link/tls_session.hpp"

namespace millrace::detail {

using link_strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using link_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, link_strand>;

/// What a message that waits to be received counts for.
inline std::size_t weight(const datagram& d) noexcept {
  return sizeof d + d.bytes.size() + d.from.size() + d.to.size();
}

/// What becomes of the bytes to be sent is counted from the connection's beginning:
///
///   0 ... written (the kernel has them) ... in `batch` ... in `backlog` ... queued
///
/// Whoever sets `writing` owns `batch` and is the one who calls socket.send(), without the mutex;
/// the others add to `backlog` meanwhile, and the next batch is what came together there.
struct connection {
  explicit connection(const link_strand& strand, std::size_t max_message_size)
      : socket(strand), reader(max_message_size) {}

  enum class phase {
    connecting,
    handshaking,  // of TLS
    open,
    closed
  };

  /// Whether there is something to write, of what was queued up to `target` or besides it.
  [[nodiscard]] bool must_write(std::uint64_t target) const noexcept {
    return (state == phase::open && (written < target || acknowledged_here < to_acknowledge)) ||
           (tls_due && state != phase::closed);
  }
  [[nodiscard]] bool can_write() const noexcept {
    return !writing && !blocked && !mute && must_write(queued);
  }
  /// Whether what is sent next can go past the backlog.
  [[nodiscard]] bool can_write_in_place() const noexcept {
    return state == phase::open && !tls && !writing && !blocked && written == queued &&
           acknowledged_here == to_acknowledge;
  }
  /// Whether the peer owes the rest of something: a message, a record of TLS, the handshake. The
  /// strand's to ask.
  [[nodiscard]] bool begun() const noexcept { return reader.begun() || (tls && tls->begun()); }

  /// send() belongs to the writer, all else to the strand.
  link_socket socket;
  // Set before it is open, constant from then on.
  std::string key;    // the other end's address: under which senders find it
  std::string local;  // this end's
  bool outgoing = false;
  std::uint64_t guest = 0;           // which of those who came, from 1, if they are to be counted
  std::unique_ptr<tls_session> tls;  // none: bytes go as they are

  // Guarded by the link's mutex.
  phase state = phase::connecting;
  link_status why = link_status::ok;  // when closed: what its senders are told
  bool writing = false;
  bool blocked = false;       // the kernel takes no more; a handler waits until it does
  bool mute = false;          // TLS says no more, or not before it has heard the peer out
  bool flush_coming = false;  // a handler was posted that will write
  bool tls_due = false;       // TLS has something to say, apart from what was queued
  byte_vector backlog;
  std::uint64_t queued = 0;
  std::uint64_t written = 0;
  std::uint64_t posted = 0;             // up to where, at least, nobody waits for what is written
  std::uint64_t requests = 0;           // messages sent that are to be acknowledged
  std::uint64_t acknowledged = 0;       // those of them that were
  std::uint64_t to_acknowledge = 0;     // the latest number whose message is in our queue
  std::uint64_t acknowledged_here = 0;  // the latest number that was written back
  steady_time progress{};  // when the kernel last took something, or it connected or became mute
  steady_time used{};      // when something was last sent or received

  // The writer's.
  byte_vector batch;
  std::size_t batch_written = 0;

  // The strand's.
  frame_reader reader;
  std::size_t counted = 0;  // bytes of the unfinished message, as the link has counted them
  steady_time begun_at{};   // when what is begun() did
  bool paused = false;      // not read, as the link has no room for messages
  std::vector<boost::asio::ip::tcp::endpoint> untried;  // where it may connect to
};

}  // namespace millrace::detail
