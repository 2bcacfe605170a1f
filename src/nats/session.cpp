// Connecting, and connecting again.
#include "nats/session.hpp"

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <vector>

namespace millrace::detail {

namespace {

constexpr std::chrono::seconds connect_timeout{2};
// A peer that is gone without a word is noticed by the third ping.
constexpr std::chrono::seconds ping_interval{5};
constexpr int unanswered_pings = 2;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

void set_servers(natsOptions* options, const std::string& url) {
  const std::vector<std::string> urls = split(url);
  std::vector<const char*> texts;
  for (const std::string& one : urls) {
    texts.push_back(one.c_str());
  }
  if (natsOptions_SetServers(options, texts.data(), static_cast<int>(texts.size())) != NATS_OK) {
    throw trouble(errc::invalid_option, fmt::format("'{}' is not the URL of a NATS server", url));
  }
}

/// cnats would say only later, and not clearly, that it cannot read a file.
const char* readable(const std::filesystem::path& file) {
  if (!std::ifstream(file)) {
    throw trouble(errc::permission_denied, fmt::format("cannot read '{}'", file.string()));
  }
  return file.c_str();
}

void set_identity(natsOptions* options, const nats_server& server) {
  if (!server.user.empty()) {
    check(natsOptions_SetUserInfo(options, server.user.c_str(), server.password.c_str()), "user");
  }
  if (!server.token.empty()) {
    check(natsOptions_SetToken(options, server.token.c_str()), "token");
  }
  if (!server.credentials.empty()) {
    check(natsOptions_SetUserCredentialsFromFiles(options, readable(server.credentials), nullptr),
          "credentials");
  }
}

void set_tls(natsOptions* options, const nats_server& server) {
  if (!server.tls_ca.empty()) {
    check(natsOptions_LoadCATrustedCertificates(options, readable(server.tls_ca)),
          "certificate authority");
  }
  if (server.tls_certificate.empty() != server.tls_key.empty()) {
    throw trouble(errc::invalid_option, "a TLS certificate and its key go together");
  }
  if (!server.tls_certificate.empty()) {
    check(natsOptions_LoadCertificatesChain(options, readable(server.tls_certificate),
                                            readable(server.tls_key)),
          "certificate");
  }
  if (!server.tls_ca.empty() || !server.tls_certificate.empty()) {
    check(natsOptions_SetSecure(options, true), "TLS");
  }
}

owned<natsOptions> make_options(const nats_server& server, std::chrono::nanoseconds write_timeout) {
  natsOptions* raw = nullptr;
  check(natsOptions_Create(&raw), "options");
  owned<natsOptions> options(raw);
  set_servers(raw, server.url);
  set_identity(raw, server);
  set_tls(raw, server);
  check(natsOptions_SetName(raw, "millrace"), "name");
  check(natsOptions_SetAllowReconnect(raw, false), "reconnect");
  check(natsOptions_SetTimeout(raw, milliseconds(connect_timeout)), "timeout");
  check(natsOptions_SetWriteDeadline(raw, milliseconds(write_timeout)), "write deadline");
  check(natsOptions_SetPingInterval(raw, milliseconds(ping_interval)), "ping interval");
  check(natsOptions_SetMaxPingsOut(raw, unanswered_pings), "pings");
  return options;
}

}  // namespace

session::session(const nats_server& server, std::chrono::nanoseconds write_timeout) {
  const auto options = make_options(server, write_timeout);
  natsConnection* connection = nullptr;
  check(natsConnection_Connect(&connection, options.get()), "connecting to " + server.url);
  connection_.reset(connection);
  jsCtx* jetstream = nullptr;
  check(natsConnection_JetStream(&jetstream, connection, nullptr), "JetStream");
  jetstream_.reset(jetstream);
}

owned<natsSubscription> session::listen(const std::string& inbox) const {
  natsSubscription* raw = nullptr;
  check(natsConnection_SubscribeSync(&raw, connection(), (inbox + ".*").c_str()), "subscribing");
  owned<natsSubscription> subscription(raw);
  check(natsSubscription_SetPendingLimits(raw, -1, -1), "subscribing");
  return subscription;
}

std::string new_inbox() {
  natsInbox* raw = nullptr;
  check(natsInbox_Create(&raw), "inbox");
  const owned<natsInbox> inbox(raw);
  return raw;
}

void session_course::run(const std::stop_token& stop) const {
  for (bool began = false; !stop.stop_requested();) {
    try {
      const session s(server, write_timeout);
      prepare(s);
      began = true;
      tell(on_event, nats_event::connected, "connected to " + server.url);
      work(s);
      return;
    } catch (const trouble& t) {
      if (t.lasting && !began) {
        throw error(t.code, fmt::format("NATS: {}", t.what()));
      }
      tell(on_event, nats_event::disconnected, t.what());
    }
    pause(retry_pause, stop);
  }
}

void pause(std::chrono::nanoseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace millrace::detail
