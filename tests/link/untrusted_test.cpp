// Links with TLS among those whom they must not trust, and those who speak something else.
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/link/tcp_link.hpp>

#include "link/certificates.hpp"
#include "link/peers.hpp"
#include "link/tls_peer.hpp"
#include "support/bytes.hpp"
#include "support/printing.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using millrace::datagram;
using millrace::drop_reason;
using millrace::link_status;
using millrace::status;
using millrace::tcp_link;
using millrace::tls_options;

namespace {

constexpr std::string_view secret = "a message for friends only";

/// Why a link did not trust its peers.
class reasons {
 public:
  [[nodiscard]] tls_options record(tls_options tls) {
    tls.on_untrusted = [this](const std::string&, const std::string& why) {
      const std::lock_guard held(mutex_);
      all_ += why + "\n";
    };
    return tls;
  }
  [[nodiscard]] std::string all() const {
    const std::lock_guard held(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::string all_;
};

struct world {
  test::scratch place;
  test::authority ca{place};
  test::authority other_ca{place};
  reasons why;
  test::drops dropped;
};

/// A link that listens in the company of strangers, and a good one that must not notice.
struct guarded : world {
  explicit guarded(std::chrono::nanoseconds timeout = 5s, std::chrono::nanoseconds patience = 10s)
      : link({.tls = why.record(ca.tls()),
              .timeout = timeout,
              .patience = patience,
              .on_drop = dropped.recorder()}) {}

  void nobody_else_has_noticed() {
    datagram d;
    CHECK(link.try_receive(d) == status::empty);
    REQUIRE(good.send_acknowledged(link.address(), "good") == link_status::ok);
    REQUIRE(link.try_receive(d) == status::ok);
    CHECK(test::as_text(d.bytes) == "good");
  }

  tcp_link link;
  tcp_link good{{.address = "", .tls = ca.tls()}};
};

}  // namespace

TEST_CASE("nothing is sent to a peer that is not who it should be") {
  world w;
  tls_options theirs;
  std::string why = "certificate verify failed";
  SUBCASE("signed by an unknown authority") {
    theirs = w.other_ca.tls();
    why = "unable to get local issuer certificate";
  }
  SUBCASE("signed by itself") {
    theirs = {.certificate = w.other_ca.self().certificate, .key = w.other_ca.self().key};
    why = "self-signed certificate";
  }
  SUBCASE("expired") {
    theirs = w.ca.tls({.ends = -60});
    why = "certificate has expired";
  }
  SUBCASE("not valid yet") {
    theirs = w.ca.tls({.begins = 60});
    why = "certificate is not yet valid";
  }
  SUBCASE("for another number") {
    theirs = w.ca.tls({.names = "IP:127.0.0.2,DNS:localhost,DNS:127.0.0.1"});
    why = "IP address mismatch";
  }
  theirs.ca.clear();  // they let anybody in
  test::drops dropped_there;
  tcp_link there({.tls = theirs, .on_drop = dropped_there.recorder()});
  tcp_link here({.address = "", .tls = w.why.record(w.ca.tls()), .on_drop = w.dropped.recorder()});
  REQUIRE(here.send(there.address(), secret) == link_status::untrusted);
  w.dropped.wait_for(drop_reason::untrusted);
  INFO(w.why.all());
  CHECK(w.why.all().find(why) != std::string::npos);
  CHECK(here.post(there.address(), secret) == link_status::ok);
  CHECK(here.flush(there.address()) == link_status::untrusted);
  dropped_there.wait_for(drop_reason::untrusted);  // it heard why
  datagram d;
  CHECK(there.try_receive(d) == status::empty);
}

TEST_CASE("a name in the address is the one that must be in the certificate") {
  world w;
  tcp_link there({.tls = w.ca.tls({.names = "IP:127.0.0.1,DNS:*.example.org"})});
  tcp_link here({.address = "", .tls = w.why.record(w.ca.tls())});
  const auto port = std::to_string(test::port_of(there.address()));
  CHECK(here.send("localhost:" + port, secret) == link_status::untrusted);
  CHECK(w.why.all() == "hostname mismatch\n");
  CHECK(here.send("127.0.0.1:" + port, secret) == link_status::ok);
}

TEST_CASE("a name that a certificate has beside those it is for is no name of the peer's") {
  world w;
  tcp_link there({.tls = w.ca.tls({.names = "IP:127.0.0.1", .common_name = "localhost"})});
  tcp_link here({.address = "", .tls = w.why.record(w.ca.tls())});
  const auto port = std::to_string(test::port_of(there.address()));
  CHECK(here.send("localhost:" + port, secret) == link_status::untrusted);
  CHECK(w.why.all() == "hostname mismatch\n");
}

TEST_CASE("nothing is sent to a peer that speaks no TLS") {
  world w;
  tcp_link here({.address = "",
                 .tls = w.why.record(w.ca.tls()),
                 .timeout = 1s,
                 .on_drop = w.dropped.recorder()});
  SUBCASE("a link without TLS") {
    test::drops dropped_there;
    tcp_link plain({.on_drop = dropped_there.recorder()});
    CHECK(here.send(plain.address(), secret) == link_status::untrusted);
    dropped_there.wait_for(drop_reason::not_a_message);
  }
  SUBCASE("one that says something else") {
    const test::raw_listener listener;
    const std::jthread peer([&] {
      const auto p = listener.accept();
      CHECK(p.write("220 mail.example.org ESMTP\r\n"));
      CHECK(test::as_text(p.read(1'000'000)).find(secret) == std::string::npos);
    });
    CHECK(here.send(listener.address(), secret) == link_status::untrusted);
    CHECK(w.why.all() == "wrong version number\n");
  }
  SUBCASE("one that hangs up") {
    const test::raw_listener listener;
    const std::jthread peer([&] { CHECK(listener.accept().read(100).size() == 100); });
    CHECK(here.send(listener.address(), secret) == link_status::untrusted);
  }
  SUBCASE("one that says nothing") {
    const test::raw_listener listener;
    const std::jthread peer([&] {
      CHECK(test::as_text(listener.accept().read(1'000'000)).find(secret) == std::string::npos);
    });
    CHECK(here.send(listener.address(), secret) == link_status::unreachable);
    w.dropped.wait_for(drop_reason::too_slow);
  }
}

TEST_CASE("nothing is taken from a peer that cannot show who it is") {
  guarded g;
  tls_options theirs;
  std::string why;
  SUBCASE("no certificate") {
    theirs.ca = g.ca.self().certificate;
    why = "peer did not return a certificate";
  }
  SUBCASE("signed by an unknown authority") {
    theirs = g.other_ca.tls();
    theirs.ca = g.ca.self().certificate;
    why = "unable to get local issuer certificate";
  }
  SUBCASE("expired") {
    theirs = g.ca.tls({.ends = -60});
    why = "certificate has expired";
  }
  reasons why_there;
  tcp_link stranger({.address = "", .tls = why_there.record(theirs)});
  REQUIRE(stranger.send_acknowledged(g.link.address(), secret) == link_status::untrusted);
  g.dropped.wait_for(drop_reason::untrusted);
  CHECK(g.why.all() == why + "\n");
  CHECK(why_there.all().find("alert") != std::string::npos);
  g.nobody_else_has_noticed();
}

TEST_CASE("nothing is taken from a peer that speaks no TLS") {
  guarded g;
  SUBCASE("a link without TLS") {
    tcp_link plain({.address = ""});
    CHECK(plain.send_acknowledged(g.link.address(), secret) == link_status::reset);
    g.dropped.wait_for(drop_reason::untrusted);
  }
  SUBCASE("random bytes") {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      test::raw_peer peer(g.link.address());
      // Every other time it begins like a record.
      (void)peer.write(seed % 2 == 0 ? "" : "\x16\x03\x01\x02\x00"s);
      (void)peer.write(test::pattern(2000, seed));
      if (seed % 3 == 0) {
        peer.reset();
      }
    }
    g.dropped.wait_for(drop_reason::untrusted, 66);  // others were gone before they were accepted
  }
  SUBCASE("a greeting that breaks off anywhere") {
    const test::raw_listener listener;
    tcp_link caller({.address = "", .tls = g.ca.tls()});
    CHECK(caller.post(listener.address(), secret) == link_status::ok);
    const auto heard = listener.accept();
    test::bytes hello(10'000);
    const auto n = heard.read_some(hello, 5s);
    REQUIRE(n > 100);
    hello.resize(static_cast<std::size_t>(n));
    std::size_t count = 0;
    for (std::size_t size = 0; size <= hello.size(); size += 13, ++count) {
      REQUIRE(test::raw_peer(g.link.address()).write(std::span(hello).first(size)));
    }
    g.dropped.wait_for(drop_reason::untrusted, count);
  }
  g.nobody_else_has_noticed();
}

TEST_CASE("a handshake that is not gone on with ends its connection, however slowly it goes") {
  guarded g(1s);
  const test::raw_peer silent(g.link.address());
  const test::raw_peer begun(g.link.address());
  REQUIRE(begun.write("\x16\x03"));
  const test::raw_peer slow(g.link.address());
  REQUIRE(slow.write("\x16\x03\x01\x02"s));
  while (slow.write(std::string_view("\0", 1))) {
    std::this_thread::sleep_for(5ms);
  }
  silent.wait_for_end();
  begun.wait_for_end();
  g.dropped.wait_for(drop_reason::too_slow, 3);
  g.nobody_else_has_noticed();
}

TEST_CASE("what is tampered with after the handshake ends the connection, and is not taken") {
  guarded g;
  const test::tls_peer peer(test::raw_peer(g.link.address()), g.ca.sign());
  REQUIRE(peer.write("\xc4\x05hello"));
  datagram d;
  REQUIRE(g.link.receive(d) == status::ok);
  REQUIRE(peer.wire().write("\x17\x03\x03\x00\x20"s + std::string(32, 'x')));
  g.dropped.wait_for(drop_reason::untrusted);
  g.nobody_else_has_noticed();
}

TEST_CASE("a record that is not gone on with ends its connection, however slowly it goes") {
  guarded g(5s, 1s);
  const auto friendly = [&] {
    test::tls_peer peer(test::raw_peer(g.link.address()), g.ca.sign());
    REQUIRE(peer.connected());
    return peer;
  };
  const std::string record = "\x17\x03\x03\x40\x00"s + std::string(100, 'x');
  const auto silent = friendly();
  const auto within_head = friendly();
  REQUIRE(within_head.wire().write(record.substr(0, 3)));
  const auto after_head = friendly();
  REQUIRE(after_head.wire().write(record.substr(0, 5)));
  const auto within_body = friendly();
  REQUIRE(within_body.wire().write(record));
  const auto slow = friendly();
  REQUIRE(slow.wire().write(record));
  while (slow.wire().write("x")) {
    std::this_thread::sleep_for(5ms);
  }
  within_head.wire().wait_for_end();
  after_head.wire().wait_for_end();
  within_body.wire().wait_for_end();
  g.dropped.wait_for(drop_reason::too_slow, 4);
  g.nobody_else_has_noticed();
  REQUIRE(silent.write("\xc4\x05hello"));  // being silent between records is no offence
  datagram d;
  REQUIRE(g.link.receive(d) == status::ok);
  CHECK(g.dropped.count(drop_reason::too_slow) == 4);
}

TEST_CASE("handshakes that are under way are bounded, and a flood of them is no matter to others") {
  guarded g(60s);
  constexpr std::size_t most = 256;
  constexpr std::size_t all = 400;
  std::vector<test::raw_peer> silent;
  for (std::size_t i = 0; i < all; ++i) {
    silent.emplace_back(g.link.address());
    if (i % 50 == 49) {
      tcp_link newcomer({.address = "", .tls = g.ca.tls()});
      REQUIRE(newcomer.send_acknowledged(g.link.address(), "new") == link_status::ok);
      datagram d;
      REQUIRE(g.link.try_receive(d) == status::ok);
    }
  }
  g.nobody_else_has_noticed();
  g.dropped.wait_for(drop_reason::too_many_handshakes, all - most);
  silent.front().wait_for_end();  // it was the first to go
  CHECK(g.dropped.count(drop_reason::untrusted) == 0);
  silent.clear();
  test::eventually([&] {
    return g.dropped.count(drop_reason::too_many_handshakes) +
               g.dropped.count(drop_reason::untrusted) ==
           all;
  });
  g.nobody_else_has_noticed();
}
