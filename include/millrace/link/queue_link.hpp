// A queue here joined to a queue on another machine: a queue_forwarder takes messages from the one
// and sends them over a TCP link to a queue_collector, which puts them into the other.
//
// A message leaves the first queue when the second one has it, and not before: until then it is on
// loan, and goes back to the queue if the forwarder ends or is killed. Each forwarder numbers its
// messages; the collector takes them in their order, each number once, and says up to which number
// its queue has all. After a break the forwarder connects again and sends again what was not
// acknowledged. So nothing is lost whichever side or wire breaks when; and a message comes twice
// only if, between its arrival and the acknowledgement, a side was killed, or stopped while they
// could not hear each other.
//
// On the wire, each in a bin of the link's, numbers big-endian:
//
//   'B' | forwarder 16 B | oldest 8 B | number 8 B | messages   oldest: the first not acknowledged;
//                                                               number: of the first one here
//   'A' | forwarder 16 B | number 8 B                           the queue has all up to it
//   'R' | forwarder 16 B | number 8 B                           the same; what followed is missing
//   'L' | forwarder 16 B | number 8 B                           this one is too large for the queue
//
// and each of the messages, one or more: size 8 B | message.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <millrace/core/status.hpp>
#include <millrace/link/tcp_link.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

namespace millrace {

/// Used by one thread, but for the counts.
class queue_forwarder {
 public:
  /// At most `window` messages are on their way at once, and so on loan from the queue; more than a
  /// quarter of its slots should not be. Throws millrace::error.
  queue_forwarder(subscriber from, std::string to, std::size_t window = 256,
                  std::optional<tls_options> tls = {});
  ~queue_forwarder();

  /// Forwards until asked to stop, waits up to a second for acknowledgements of what is on its way,
  /// and then gives back what was not acknowledged, which may come twice. Answers: cancelled;
  /// removed: the queue here was; too_large: the oldest message does not fit into the queue there.
  /// A peer that cannot be reached is tried again and again, see last_failure(). So is a message
  /// that does not fit and is longer than 64 MiB, as it does not even get there to be refused.
  status run(const std::stop_token& stop);

  /// How many messages the other side has acknowledged. Any thread may ask.
  [[nodiscard]] std::uint64_t forwarded() const noexcept { return forwarded_; }
  /// Why it is not connected now; ok: it is, as far as it knows. Any thread may ask.
  [[nodiscard]] link_status last_failure() const noexcept { return last_failure_; }

 private:
  class run_state;

  [[nodiscard]] tcp_link new_link();

  subscriber from_;
  std::string to_;
  std::size_t window_;
  std::optional<tls_options> tls_;
  std::atomic<std::uint64_t> forwarded_ = 0;
  std::atomic<link_status> last_failure_ = link_status::ok;
  std::atomic<bool> broken_ = false;  // a connection was, since it was looked at
  tcp_link link_;
};

/// Used by one thread, but for the counts. Any number of forwarders may send to one collector.
class queue_collector {
 public:
  /// Listens at `address`, as a tcp_link does: whoever can reach it can put messages into the
  /// queue, unless tls_options::ca says who may. Throws millrace::error.
  queue_collector(publisher to, const std::string& address, std::optional<tls_options> tls = {});
  ~queue_collector();

  [[nodiscard]] const std::string& address() const noexcept { return link_.address(); }

  /// Collects until asked to stop. Answers: cancelled; removed: the queue was.
  status run(const std::stop_token& stop);

  /// How many messages it put into the queue. Any thread may ask.
  [[nodiscard]] std::uint64_t collected() const noexcept { return collected_; }

 private:
  class run_state;

  publisher to_;
  tcp_link link_;
  std::unique_ptr<run_state> state_;  // what it knows of forwarders outlasts a run
  std::atomic<std::uint64_t> collected_ = 0;
};

}  // namespace millrace
