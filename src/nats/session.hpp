// One connection to a NATS server after the other.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

#include <millrace/link/nats_bridge.hpp>

#include "nats/cnats.hpp"

namespace millrace::detail {

/// A connection, and JetStream over it. It does not reconnect by itself: cnats would then send what
/// it had buffered before the bridge sends again what came before that, and messages would change
/// places. When it breaks, calls fail, and a new session takes its place.
class session {
 public:
  /// Throws trouble.
  session(const nats_server& server, std::chrono::nanoseconds write_timeout);

  [[nodiscard]] natsConnection* connection() const noexcept { return connection_.get(); }
  [[nodiscard]] jsCtx* jetstream() const noexcept { return jetstream_.get(); }

  /// Subscribes to INBOX.*, without limits. Throws trouble.
  [[nodiscard]] owned<natsSubscription> listen(const std::string& inbox) const;

 private:
  owned<natsConnection> connection_;
  owned<jsCtx> jetstream_;
};

/// A subject that nobody else has, to be answered on.
[[nodiscard]] std::string new_inbox();

/// The stream is there, and takes `subject` unless that is empty. Throws trouble.
void ensure_stream(const session& s, const nats_stream& stream, const std::string& subject);
/// The consumer is there, and is as the options say. Throws trouble.
void ensure_consumer(const session& s, const from_nats_options& options);

/// As long as `work` over a session ends by trouble, it begins again with another one, until a stop
/// is requested; a session begins with `prepare`. Throws error for lasting trouble before the first
/// session's work began.
struct session_course {
  const nats_server& server;
  std::chrono::nanoseconds write_timeout;
  std::chrono::nanoseconds retry_pause;
  const nats_listener& on_event;
  std::function<void(const session&)> prepare;
  std::function<void(const session&)> work;

  void run(const std::stop_token& stop) const;
};

/// Returns early when a stop is requested.
void pause(std::chrono::nanoseconds time, const std::stop_token& stop);

inline void tell(const nats_listener& listener, nats_event what, const std::string& text) {
  if (listener) {
    listener(what, text);
  }
}

[[nodiscard]] inline std::int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace millrace::detail
