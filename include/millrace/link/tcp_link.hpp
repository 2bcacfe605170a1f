// tcp_link: messages between programs on any machines, over TCP.
//
//   millrace::tcp_link here;                                        // 127.0.0.1, a free port
//   millrace::tcp_link there({.address = "[::1]:7070"});
//   if (here.send("[::1]:7070", text) != millrace::link_status::ok) ...
//   millrace::datagram d;
//   while (there.receive(d) == millrace::status::ok)
//     (void)there.send(d.from, d.bytes);                            // an echo
//
// The same as a coroutine, on any executor:
//
//   millrace::task<> echo(millrace::tcp_link& there, millrace::scheduler where) {
//     while (const auto d = co_await there.async_receive(where))
//       (void)there.post(d->from, d->bytes);
//   }
//
// Wire format: each message is one MessagePack `bin` object; a `str` is read as the same. So any
// MessagePack program is a peer. Peers that are links themselves also use two extension types,
// whose numbers are big-endian and count the messages to be acknowledged on a connection, from 1:
//
//   ext 1: 8 bytes of number, then the message    send_acknowledged: say when your queue has it
//   ext 2: 8 bytes of number                      the queue has all up to this one
//
// A link acknowledges on its own; a plain MessagePack peer need not know of this as long as nobody
// uses send_acknowledged on it. Anything else on the wire ends the connection.
//
// Who can connect: without link_options::tls, whoever can reach the address. Nothing is encrypted
// then, and nobody is asked who he is: keep to loopback, which is the default, to a network of
// which all members are trusted, or go through a tunnel (WireGuard, ssh, stunnel). With it, all
// connections are encrypted, this end knows whom it has connected to, and, given tls_options::ca,
// lets in only those who have a certificate of that authority. Nothing is sent to a peer, or taken
// from it, before it has proved what it must.
//
// The shape of the interface (a link that sends to addresses and receives datagrams, a pool of
// connections, bin objects as messages) is that of the Go library proletariat.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/box/scheduler.hpp>
#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>
#include <millrace/link/datagram.hpp>
#include <millrace/link/detail/awaited_datagram.hpp>
#include <millrace/link/link_status.hpp>
#include <millrace/link/tls_options.hpp>

namespace boost::asio {
class io_context;
}

namespace millrace {

struct link_options {
  /// Where to listen: HOST:PORT or [IPV6]:PORT, port 0 for a free one. "0.0.0.0:PORT" and
  /// "[::]:PORT" let other machines connect. Empty: nowhere, for a link that only connects; peers
  /// still answer over its connections.
  std::string address = "127.0.0.1:0";
  /// Given: every connection, in and out, speaks TLS.
  std::optional<tls_options> tls = {};
  /// How long connecting may take, with the handshake of TLS, a peer may take no bytes, and an
  /// acknowledgement may be out.
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  /// Connections that this link opened and keeps to use again, one to a peer. Opening another one
  /// closes the one that was not used for longest; if all are in use there are more for a while.
  std::size_t pool_size = 10;
  /// A connection of the pool on which nothing happens for so long is closed.
  std::chrono::nanoseconds idle_after = std::chrono::minutes(1);
  /// Bytes; longer messages are neither sent nor received.
  std::size_t max_message_size = std::size_t{64} << 20;
  /// Bytes of messages that have arrived, in whole or in part, and were not received yet. When
  /// whole ones fill half of it the link reads no more, so that TCP slows their senders down; when
  /// parts fill the other half, the connections that hold most of it are dropped.
  std::size_t memory_limit = std::size_t{256} << 20;
  /// How long a message may take to arrive once it has begun, for every MiB of it.
  std::chrono::nanoseconds patience = std::chrono::seconds(10);
  /// Hears of every connection that ends: the peer's address and the reason. Called by whatever
  /// thread does the link's work, one at a time; it must not call the link, nor throw. On a user's
  /// io_context also after the link was closed and is gone, as long as that has work left of it.
  std::function<void(const std::string& peer, drop_reason reason)> on_drop = {};
};

/// An endpoint. Thread-safe. Messages that one thread sends to one address arrive in their order;
/// of those of which the sender was told nothing good, some may be missing.
///
/// Who does its work: a thread of its own, but threads that wait in receive and send_acknowledged
/// take the work over meanwhile, which saves two changes of threads per message. Nothing runs when
/// nothing happens, but for a look at the clock a few times a second while there are connections.
class tcp_link {
 public:
  /// Listens. Throws millrace::error: invalid_option (an address that is none, a size or time of
  /// 0, a file for TLS that is not there or not what it should be), permission_denied, system (the
  /// address is in use, ...).
  explicit tcp_link(const link_options& options = {});
  /// The same, with the work done by the threads that run `context`, which must outlive the link
  /// and be run for the calls that wait to end. They must not make such calls themselves.
  tcp_link(boost::asio::io_context& context, const link_options& options);
  tcp_link(tcp_link&& other) noexcept;
  tcp_link& operator=(tcp_link&& other) noexcept;
  ~tcp_link();

  /// Where it listens, with the port that it got; empty when nowhere.
  [[nodiscard]] const std::string& address() const noexcept;

  /// Sends a message; returns once the kernel has it. What many threads send to one peer at the
  /// same time is written together. Any answer but cancelled. A name is resolved by the system,
  /// whose time-outs apply; numbers are not asked about. A peer that does not accept this end's
  /// certificate says so when TLS 1.3 has let this end send already, so that `ok` may come first.
  link_status send(std::string_view to, std::span<const std::byte> bytes);
  /// The same, of one message that lies in several places.
  link_status send(std::string_view to, std::span<const std::span<const std::byte>> parts);
  /// Returns once the peer's queue of received messages has it. `timeout` and `reset` leave open
  /// whether it arrived. The peer must be a link.
  link_status send_acknowledged(std::string_view to, std::span<const std::byte> bytes);

  /// Leaves a message with the link, to be sent together with others very soon; waits for room no
  /// longer than `time`, but not for a connection. That an earlier post to this address was lost is
  /// said by the next post or flush, whoever calls it: then this message was not accepted. Of at
  /// most 1000 addresses losses are remembered, the latest. Answers: ok, timeout, too_large,
  /// unresolved, cancelled, closed, and how an earlier one failed.
  link_status post(std::string_view to, std::span<const std::byte> bytes,
                   std::chrono::nanoseconds time = std::chrono::nanoseconds::max(),
                   const std::stop_token& stop = {});
  /// The same, but what the kernel takes at once is written by the caller, and nothing is waited
  /// for but, at first, what a name stands for; timeout: there is no room. Meant for single
  /// messages, as answers are: these are sooner there, and no thread has to be woken; of many, each
  /// takes as long as with send.
  link_status try_send(std::string_view to, std::span<const std::byte> bytes);
  /// Returns once the kernel has all that was posted to this address, or says how it was lost.
  link_status flush(std::string_view to);

  /// Takes the next message. Answers: ok, empty, closed.
  status try_receive(datagram& to);
  /// The same, waiting for a message. Answers: ok, cancelled, closed.
  status receive(datagram& to, const std::stop_token& stop = {});
  /// The same, waiting no longer than `time` (steady clock); also: timeout.
  status receive_for(datagram& to, std::chrono::nanoseconds time, const std::stop_token& stop = {});

  /// co_await gives std::optional<datagram>: the next message; nothing: the link was closed, or a
  /// stop was asked for. A coroutine that waits goes on on the scheduler, which may be one on the
  /// link's own `context`; what else it calls there must not wait. Any number of coroutines and of
  /// threads may wait at once; each message goes to one of them. One that waits may be destroyed,
  /// as long as nothing resumes it at that moment, and takes no message with it. The link's
  /// `context`, if that is the user's, must also outlive those that wait. Throws std::bad_alloc.
  [[nodiscard]] detail::awaited_datagram async_receive(scheduler where, std::stop_token stop = {});

  /// Ends all connections; calls that wait return closed, also those for messages that had arrived.
  /// Messages that the kernel has are still delivered by it. Does not wait for peers. Idempotent.
  void close() noexcept;

  // Text as bytes.
  link_status send(std::string_view to, std::string_view text) {
    return send(to, std::as_bytes(std::span(text)));
  }
  link_status send_acknowledged(std::string_view to, std::string_view text) {
    return send_acknowledged(to, std::as_bytes(std::span(text)));
  }
  link_status post(std::string_view to, std::string_view text) {
    return post(to, std::as_bytes(std::span(text)));
  }
  link_status try_send(std::string_view to, std::string_view text) {
    return try_send(to, std::as_bytes(std::span(text)));
  }

 private:
  std::shared_ptr<detail::link_core> core_;
};

}  // namespace millrace
