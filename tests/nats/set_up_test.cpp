// What is wrong from the beginning, and who may connect.
#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>

#include "nats/bridging.hpp"
#include "nats/jetstream.hpp"
#include "nats/server.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using namespace std::chrono_literals;

namespace {

/// How a bridge to `stream` ends that is stopped once it is connected.
test::caught outcome(const millrace::nats_server& server, const millrace::nats_stream& stream,
                     const std::string& subject) {
  return test::error_of([&] {
    const test::scratch files;
    millrace::subscriber from("orders", files.options());
    std::stop_source stop;
    millrace::bridge_to_nats(from,
                             {.server = server,
                              .stream = stream,
                              .subject = subject,
                              .on_event = [&](auto, auto) { stop.request_stop(); }},
                             stop.get_token());
  });
}

test::caught outcome(millrace::from_nats_options options) {
  return test::error_of([&] {
    const test::scratch files;
    millrace::publisher to("orders", files.options());
    std::stop_source stop;
    options.on_event = [&](auto, auto) { stop.request_stop(); };
    millrace::bridge_from_nats(to, options, stop.get_token());
  });
}

const millrace::nats_stream orders{.name = "ORDERS", .subjects = {"orders.>"}};

}  // namespace

TEST_CASE("a stream that does not fit is refused with the reason") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.*.new");
  const millrace::nats_server here{.url = server.url()};
  CHECK_FALSE(outcome(here, orders, "orders.x.new").code.has_value());
  const auto other = outcome(here, orders, "orders.x.old");
  CHECK(other.code == errc::option_mismatch);
  CHECK(other.says("does not hold subject 'orders.x.old' but orders.*.new"));
  CHECK(outcome(here, {.name = "OTHER", .create = false}, "other").code == errc::not_found);
  const auto overlapping =
      outcome(here, {.name = "OVERLAPS", .subjects = {"orders.a.*"}}, "orders.a.b");
  CHECK_MESSAGE(overlapping.code == errc::system, overlapping.text);
  CHECK(outcome(here, orders, "orders.>").code == errc::invalid_option);
}

TEST_CASE("a consumer that does not fit is refused with the reason") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.make_consumer("ORDERS", "pushed",
                       [](jsConsumerConfig& config) { config.DeliverSubject = "somewhere"; });
  stream.make_consumer("ORDERS", "all",
                       [](jsConsumerConfig& config) { config.AckPolicy = js_AckAll; });
  stream.make_consumer("ORDERS", "part", [](jsConsumerConfig& config) {
    config.FilterSubject = "orders.part";
    config.MaxAckPending = 7;
  });
  const auto consumer = [&](const char* name) {
    return millrace::from_nats_options{
        .server = {.url = server.url()}, .stream = {.name = "ORDERS"}, .consumer = name};
  };
  const auto refused = [&](const millrace::from_nats_options& options, const char* why) {
    const auto found = outcome(options);
    CHECK(found.code == errc::option_mismatch);
    CHECK_MESSAGE(found.says(why), found.text);
  };
  refused(consumer("pushed"), "push consumer");
  refused(consumer("all"), "explicit");
  refused(consumer("part"), "is for subject 'orders.part', not '(all)'");
  auto part = consumer("part");
  part.subject = "orders.part";
  CHECK_FALSE(outcome(part).code.has_value());
  part.max_ack_pending = 8;
  refused(part, "has max_ack_pending 7, not 8");
  auto missing = consumer("missing");
  missing.create_consumer = false;
  CHECK(outcome(missing).code == errc::not_found);
  CHECK(outcome(consumer("a.b")).code == errc::invalid_option);
}

TEST_CASE("a server that is not there is waited for until the bridge is stopped") {
  std::string url;
  {
    const test::nats_process server;
    url = server.url();
  }
  CHECK_FALSE(outcome({.url = url}, orders, "orders.a").code.has_value());
}

TEST_CASE("a server lets in who has its password or its token") {
  SUBCASE("password") {
    const test::nats_process server({"--user", "ann", "--pass", "secret"});
    millrace::nats_server here{.url = server.url(), .user = "ann", .password = "secret"};
    CHECK_FALSE(outcome(here, orders, "orders.a").code.has_value());
    here.password = "guess";
    CHECK(outcome(here, orders, "orders.a").code == errc::permission_denied);
  }
  SUBCASE("token") {
    const test::nats_process server({"--auth", "secret"});
    CHECK_FALSE(
        outcome({.url = server.url(), .token = "secret"}, orders, "orders.a").code.has_value());
    CHECK(outcome({.url = server.url()}, orders, "orders.a").code == errc::permission_denied);
  }
  SUBCASE("credentials that cannot be read") {
    const auto found =
        outcome({.url = "nats://127.0.0.1:1", .credentials = "/nowhere"}, orders, "orders.a");
    CHECK(found.code == errc::permission_denied);
    CHECK(found.says("cannot read '/nowhere'"));
  }
}

TEST_CASE("a server is believed by its certificate, and asks for ours") {
  const test::scratch files;
  const auto file = [&](const char* name) { return (files.path() / name).string(); };
  const auto certificate = [&](const std::string& name, const std::string& host) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=" +
        name + " -addext subjectAltName=" + host + " -keyout " + file("") + name + ".key -out " +
        file("") + name + ".crt 2>/dev/null";
    return std::system(command.c_str()) == 0;
  };
  if (!certificate("here", "IP:127.0.0.1") || !certificate("away", "DNS:elsewhere.invalid")) {
    MESSAGE("skipped: no openssl to make certificates with");
    return;
  }
  const auto tls = [&](const std::string& name) {
    return std::vector<std::string>{"--tls",
                                    "--tlscert",
                                    file((name + ".crt").c_str()),
                                    "--tlskey",
                                    file((name + ".key").c_str()),
                                    "--tlsverify",
                                    "--tlscacert",
                                    file("here.crt")};
  };
  const test::nats_process server(tls("here"));
  const millrace::nats_server trusted{.url = server.url(),
                                      .tls_ca = file("here.crt"),
                                      .tls_certificate = file("here.crt"),
                                      .tls_key = file("here.key")};
  const auto found = outcome(trusted, orders, "orders.a");
  CHECK_MESSAGE(!found.code.has_value(), found.text);
  auto distrusted = trusted;
  distrusted.tls_ca = file("away.crt");
  CHECK(outcome(distrusted, orders, "orders.a").code == errc::permission_denied);
  const test::nats_process pretender(tls("away"));  // its certificate is for another host
  auto deceived = distrusted;
  deceived.url = pretender.url();
  CHECK(outcome(deceived, orders, "orders.a").code == errc::permission_denied);
}
