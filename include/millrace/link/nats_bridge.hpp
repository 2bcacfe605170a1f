// A bridge between a queue on this machine and a NATS JetStream stream, which lives on a server or
// a cluster of them: programs go on using the queue, and their messages go on to other machines.
//
//   millrace::subscriber orders("orders");
//   millrace::bridge_to_nats(orders, {.stream = {.name = "ORDERS", .subjects = {"orders.>"}},
//                                     .subject = "orders.paris"}, stop);
//
//   millrace::publisher orders("orders");                              // on another machine
//   millrace::bridge_from_nats(orders, {.stream = {.name = "ORDERS"}, .consumer = "berlin"}, stop);
//
// Both work in the calling thread until they are stopped. A message leaves where it was only when
// it has arrived: the stream has acknowledged it, the queue has it. A connection that breaks, or
// that nothing is heard of for too long, is given up and another one is made, for ever; what was on
// its way then goes again. So nothing is lost; what can be doubled, and come out of order:
//
// To NATS. Every message has an id of this run and its number in it, the same each time it goes, so
// that the stream knows it again: nothing is doubled, unless the servers were away for longer than
// the stream's duplicate window, or the bridge itself died: the next run sends with new ids what
// this one had not seen acknowledged, up to `window` messages. Order is kept through breaks of the
// connection; if the stream refuses single messages for a time (it is full, it elects a leader),
// those come after later ones, up to `window` of them.
//
// From NATS. An acknowledgement can be lost on its way to the server, which then delivers the
// message again; the bridge knows the last 65,536 messages that it enqueued, and acknowledges such
// a one again without enqueueing it. After the death of the bridge up to `max_ack_pending` messages
// can be doubled. What was on its way as a connection broke comes again after ack_wait, and so
// behind later messages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/core/status.hpp>
#include <millrace/queue/options.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

namespace millrace {

/// Where the servers are, and who to be there.
struct nats_server {
  /// nats://HOST:PORT, tls:// to insist on TLS; several servers of a cluster, separated by commas.
  std::string url = "nats://127.0.0.1:4222";
  std::string user = {};
  std::string password = {};
  std::string token = {};
  /// A file with a user's JWT and key, as `nsc` writes it.
  std::filesystem::path credentials = {};
  /// Files in PEM. The server's certificate must be signed by one of `tls_ca` (empty: by one that
  /// the system trusts). The other two show who this is. Any of them insists on TLS.
  std::filesystem::path tls_ca = {};
  std::filesystem::path tls_certificate = {};
  std::filesystem::path tls_key = {};
};

struct nats_stream {
  std::string name;
  /// What the stream is to hold, wildcards allowed. Needed to create it. An existing one must hold
  /// the subject that is published to, or all that is asked for.
  std::vector<std::string> subjects = {};
  /// Make the stream if there is none, kept in files, without limits.
  bool create = true;
  /// Of a stream that is created: on how many servers of the cluster each message is kept.
  int replicas = 1;
  /// Of a stream that is created: how long it knows messages again by their ids.
  std::chrono::nanoseconds duplicate_window = std::chrono::minutes(2);
};

/// What to do with a message that can never fit where it should go.
enum class oversized {
  stop,  // throw error (invalid_option); the message stays where it is
  skip,  // go on without it: it leaves its queue; in a stream it stays, but is not delivered again
};

enum class nats_event {
  connected,
  disconnected,  // or could not connect; the bridge tries again after retry_pause
  refused,       // the stream does not take a message now; the bridge tries again after retry_pause
  skipped,       // see oversized::skip
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(nats_event e) noexcept {
  switch (e) {
  case nats_event::connected:
    return "connected";
  case nats_event::disconnected:
    return "disconnected";
  case nats_event::refused:
    return "refused";
  case nats_event::skipped:
    return "skipped";
  }
  return "unknown";
}

/// Hears what happens, with a text for people. Called by the thread that runs the bridge.
using nats_listener = std::function<void(nats_event what, std::string_view text)>;

struct to_nats_options {
  nats_server server = {};
  nats_stream stream;
  /// What to publish to; no wildcards.
  std::string subject;
  /// Messages on their way at once. Until acknowledged they keep their places in the queue.
  std::size_t window = 1024;
  /// A connection on which an acknowledgement is out for longer is given up; also how long stopping
  /// waits for what is on its way.
  std::chrono::nanoseconds ack_timeout = std::chrono::seconds(5);
  std::chrono::nanoseconds retry_pause = std::chrono::milliseconds(500);
  oversized when_oversized = oversized::stop;
  nats_listener on_event = {};
};

struct from_nats_options {
  nats_server server = {};
  nats_stream stream;
  /// The name of the durable consumer: where one left off, the next one with that name goes on.
  /// Several bridges may share it, each then gets a part of the messages. No dots.
  std::string consumer;
  /// What to take from the stream, wildcards allowed. Empty: everything.
  std::string subject = {};
  /// Make the consumer if there is none, to begin with the oldest message.
  bool create_consumer = true;
  /// Messages fetched ahead; they are in this process's memory.
  std::size_t batch = 256;
  /// How many messages the server hands out at most before it wants acknowledgements, and how long
  /// it waits for one before it delivers the message again. If chosen, an existing consumer must
  /// have the same.
  setting<std::int64_t> max_ack_pending = setting<std::int64_t>::unless_chosen(1000);
  setting<std::chrono::nanoseconds> ack_wait =
      setting<std::chrono::nanoseconds>::unless_chosen(std::chrono::seconds(30));
  std::chrono::nanoseconds retry_pause = std::chrono::milliseconds(500);
  oversized when_oversized = oversized::stop;
  nats_listener on_event = {};
};

struct bridge_result {
  status ended;                // cancelled: stopped; removed: the queue was
  std::uint64_t messages = 0;  // passed on
  std::uint64_t repeated = 0;  // of what went or came again: known to the other side already
  std::uint64_t skipped = 0;   // see oversized::skip
};

/// Publishes what comes out of the queue until stopped; then waits for acknowledgements for up to
/// ack_timeout and gives the rest back to the queue. Uses `from` alone meanwhile.
///
/// What is wrong before the first connection stands is thrown as millrace::error, unless it is that
/// nobody answers: permission_denied (user, token, credentials, certificate), not_found (no such
/// stream, and not to be created), option_mismatch (the stream holds other subjects),
/// invalid_option, system (anything else). Later on such things are reported and tried again.
bridge_result bridge_to_nats(subscriber& from, const to_nats_options& options,
                             const std::stop_token& stop);

/// Enqueues what a durable pull consumer delivers until stopped; then lets the server know at once
/// what is to be delivered to somebody else. When the queue is full, it waits. Uses `to` alone
/// meanwhile. Throws as bridge_to_nats does; option_mismatch also for a consumer that is not a pull
/// consumer with explicit acknowledgements, or has another subject, max_ack_pending or ack_wait.
bridge_result bridge_from_nats(publisher& to, const from_nats_options& options,
                               const std::stop_token& stop);

}  // namespace millrace
