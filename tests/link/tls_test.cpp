// Links with TLS: what goes between those who trust each other.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <millrace/link/tcp_link.hpp>

#include "link/certificates.hpp"
#include "link/peers.hpp"
#include "link/proxy.hpp"
#include "link/ticket_giver.hpp"
#include "link/tls_peer.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/printing.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using millrace::datagram;
using millrace::drop_reason;
using millrace::errc;
using millrace::link_status;
using millrace::status;
using millrace::tcp_link;

namespace {

/// Two links that trust the same authority.
struct trusting_pair {
  explicit trusting_pair(millrace::link_options options = {}) : there(with_tls(options)) {
    options.address = "";
    options.on_drop = nullptr;
    here = tcp_link(with_tls(options));
  }

  millrace::link_options with_tls(millrace::link_options options) const {
    options.tls = ca.tls();
    return options;
  }

  test::scratch place;
  test::authority ca{place};
  tcp_link there;
  tcp_link here{{.address = ""}};
};

}  // namespace

TEST_CASE("messages of every size go over TLS as they are") {
  trusting_pair p;
  for (const std::size_t size : {0u, 1u, 255u, 16'384u, 65'536u, 131'072u, 262'144u, 5'000'000u}) {
    INFO("size ", size);
    const auto sent = test::pattern(size, size);
    datagram d;
    CHECK(p.here.send(p.there.address(), sent) == link_status::ok);
    REQUIRE(p.there.receive(d) == status::ok);
    CHECK(test::same(d.bytes, sent));
    CHECK(p.here.send_acknowledged(p.there.address(), sent) == link_status::ok);
    REQUIRE(p.there.try_receive(d) == status::ok);
    CHECK(test::same(d.bytes, sent));
    CHECK(p.there.send_acknowledged(d.from, sent) == link_status::ok);
    REQUIRE(p.here.try_receive(d) == status::ok);
    CHECK(test::same(d.bytes, sent));
    CHECK(d.from == p.there.address());
  }
}

TEST_CASE("posts and many large messages go over TLS in their order") {
  trusting_pair p;
  constexpr std::uint32_t count = 10'000;
  const std::jthread sender([&] {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t size = i % 500 == 0 ? std::size_t{1} << 20 : 4 + i % 300;
      REQUIRE(p.here.post(p.there.address(), test::numbered(i, size)) == link_status::ok);
    }
    CHECK(p.here.flush(p.there.address()) == link_status::ok);
  });
  for (std::uint32_t i = 0; i < count; ++i) {
    datagram d;
    REQUIRE(p.there.receive(d) == status::ok);
    REQUIRE(test::same(d.bytes, test::numbered(i, d.bytes.size())));
  }
}

TEST_CASE("many threads send over one connection with TLS, in both directions at once") {
  trusting_pair p;
  constexpr std::uint32_t threads = 4;
  constexpr std::uint32_t count = 2000;
  REQUIRE(p.here.send_acknowledged(p.there.address(), "hello") == link_status::ok);
  datagram hello;
  REQUIRE(p.there.receive(hello) == status::ok);
  const auto send_all = [&](tcp_link& from, const std::string& to, std::uint32_t thread) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto message = test::numbered(thread * count + i, i % 100 == 0 ? 100'000 : 8);
      REQUIRE((i % 3 == 0 ? from.send(to, message) : from.post(to, message)) == link_status::ok);
    }
    CHECK(from.flush(to) == link_status::ok);
  };
  const auto receive_all = [&](tcp_link& at) {
    std::vector<std::uint32_t> next(threads);
    for (std::uint32_t i = 0; i < threads * count; ++i) {
      datagram d;
      REQUIRE(at.receive(d) == status::ok);
      const std::uint32_t number = test::number_of(d.bytes);
      REQUIRE(number % count == next.at(number / count)++);
    }
  };
  std::vector<std::jthread> all;
  for (std::uint32_t thread = 0; thread < threads; ++thread) {
    all.emplace_back([&, thread] { send_all(p.here, p.there.address(), thread); });
    all.emplace_back([&, thread] { send_all(p.there, hello.from, thread); });
  }
  all.emplace_back([&] { receive_all(p.here); });
  receive_all(p.there);
}

TEST_CASE("the peer is known by its name as well, and over IPv6") {
  test::scratch place;
  const test::authority ca(place);
  tcp_link six({.address = "[::1]:0", .tls = ca.tls()});
  tcp_link four({.tls = ca.tls()});
  tcp_link here({.address = "", .tls = ca.tls()});
  CHECK(here.send_acknowledged(six.address(), "six") == link_status::ok);
  const auto name = "localhost:" + std::to_string(test::port_of(four.address()));
  CHECK(here.send_acknowledged(name, "by name") == link_status::ok);
  datagram d;
  REQUIRE(four.try_receive(d) == status::ok);
  CHECK(four.send_acknowledged(d.from, "an answer") == link_status::ok);
  REQUIRE(here.try_receive(d) == status::ok);
  CHECK(d.from == name);
}

TEST_CASE("where somebody came from does not make him who is asked for there") {
  trusting_pair p;
  REQUIRE(p.here.send_acknowledged(p.there.address(), "hello") == link_status::ok);
  datagram d;
  REQUIRE(p.there.receive(d) == status::ok);
  const std::string address = d.from.substr(0, d.from.find('#'));
  CHECK(address != d.from);
  CHECK(p.there.send(address, "for whoever listens there") == link_status::refused);
  p.here.close();
  test::eventually([&] { return p.there.send(d.from, "too late") == link_status::unresolved; });
}

TEST_CASE("without an authority anybody may connect, who is content with the other end") {
  test::scratch place;
  const test::authority ca(place);
  const auto own = ca.sign();
  tcp_link there({.tls = {{.certificate = own.certificate, .key = own.key}}});
  tcp_link anybody({.address = "", .tls = {{.ca = ca.self().certificate}}});
  CHECK(anybody.send_acknowledged(there.address(), "hello") == link_status::ok);
}

TEST_CASE("any program with TLS and MessagePack is a peer, also one that changes its keys") {
  trusting_pair p;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const test::tls_peer peer(test::raw_peer(p.there.address()), p.ca.sign(), version);
    REQUIRE(peer.connected());
    for (int i = 0; i < 3; ++i) {
      REQUIRE(peer.write("\xc4\x05hello"));
      datagram d;
      REQUIRE(p.there.receive(d) == status::ok);
      CHECK(test::as_text(d.bytes) == "hello");
      CHECK(p.there.send(d.from, "an answer") == link_status::ok);
      CHECK(peer.read(11) == "\xc4\x09"s + "an answer");
      if (version == TLS1_3_VERSION) {
        CHECK(SSL_key_update(peer.native(), SSL_KEY_UPDATE_REQUESTED) == 1);
      }
    }
  }
  CHECK_FALSE(
      test::tls_peer(test::raw_peer(p.there.address()), p.ca.sign(), TLS1_1_VERSION).connected());
}

TEST_CASE("hundreds of idle connections with TLS take little memory, and others don't notice") {
  trusting_pair p;
  const auto friendly = p.ca.sign();
  datagram d;
  std::vector<test::raw_peer> idle;
  [[maybe_unused]] const std::size_t before = test::resident_memory();
  constexpr std::size_t count = 500;
  for (std::size_t i = 0; i < count; ++i) {
    test::tls_peer peer(test::raw_peer(p.there.address()), friendly);
    REQUIRE(peer.write("\xc4\x05hello"));
    REQUIRE(p.there.receive(d) == status::ok);
    idle.push_back(peer.release());
  }
  std::this_thread::sleep_for(1s);  // now they have given back what they gathered in
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(test::resident_memory() < before + count * 40'000);
#endif
  REQUIRE(p.here.send_acknowledged(p.there.address(), "good") == link_status::ok);
}

TEST_CASE("what is sent while the peer is in the middle of a ticket goes when that is whole") {
  test::scratch place;
  const test::authority ca(place);
  const test::raw_listener listener;
  test::ticket_giver peer(ca.sign());
  tcp_link here({.address = "", .tls = ca.tls()});
  std::jthread sender([&] { CHECK(here.send(listener.address(), "hello") == link_status::ok); });
  const auto wire = listener.accept();
  test::bytes room(10'000);
  const auto hear = [&] {
    const auto n = wire.read_some(room, 10s);
    REQUIRE(n > 0);
    peer.hear(std::span(room).first(static_cast<std::size_t>(n)));
  };
  for (bool agreed = false; !agreed;) {
    hear();
    agreed = peer.shake_hands();
    if (!agreed) {
      REQUIRE(wire.write(peer.said()));
    }
  }
  sender.join();
  const auto tickets = peer.said();
  const std::size_t first = test::ticket_giver::first_record(tickets);
  REQUIRE(wire.write(std::span(tickets).first(first)));
  std::this_thread::sleep_for(50ms);
  sender = std::jthread([&] { CHECK(here.send(listener.address(), "more") == link_status::ok); });
  std::this_thread::sleep_for(50ms);
  REQUIRE(wire.write(std::span(tickets).subspan(first)));
  std::string got = peer.read();
  while (got.size() < 13) {
    hear();
    got += peer.read();
  }
  CHECK(got == "\xc4\x05hello\xc4\x04more");
}

TEST_CASE("who ends a connection with TLS says so; an end without is a break") {
  test::drops dropped;
  trusting_pair p({.on_drop = dropped.recorder()});
  const auto peer = [&] {
    test::tls_peer made(test::raw_peer(p.there.address()), p.ca.sign());
    REQUIRE(made.write("\xc4\x05hello"));
    datagram d;
    REQUIRE(p.there.receive(d) == status::ok);
    return made;
  };
  SUBCASE("the peer says so") {
    peer().say_goodbye();
    dropped.wait_for(drop_reason::closed_by_peer);
  }
  SUBCASE("the peer says so in the middle of a message") {
    const auto impolite = peer();
    REQUIRE(impolite.write("\xc4\x05hel"));
    impolite.say_goodbye();
    dropped.wait_for(drop_reason::reset);
  }
  SUBCASE("the peer ends between two messages") {
    { const auto gone = peer(); }
    dropped.wait_for(drop_reason::reset);
  }
  SUBCASE("the link says so") {
    const auto polite = peer();
    p.there.close();
    CHECK(polite.read(1).empty());
    CHECK(polite.heard_goodbye());
  }
  CHECK(dropped.count(drop_reason::untrusted) == 0);
}

TEST_CASE("what the kernel has is delivered though the sender closes at once, with TLS") {
  for (int i = 0; i < 20; ++i) {
    trusting_pair p;
    for (std::uint32_t n = 0; n < 50; ++n) {
      REQUIRE(p.here.send(p.there.address(), test::numbered(n, 4000)) == link_status::ok);
    }
    p.here.close();
    for (std::uint32_t n = 0; n < 50; ++n) {
      datagram d;
      REQUIRE(p.there.receive(d) == status::ok);
      REQUIRE(test::number_of(d.bytes) == n);
    }
  }
}

TEST_CASE("a sender hears whether any of its message went, with TLS") {
  trusting_pair p({.timeout = 1s, .max_message_size = 20'000'000, .memory_limit = 1'000'000});
  // Nobody receives there: its memory fills, then TCP's.
  CHECK(p.here.send(p.there.address(), test::pattern(16'000'000)) == link_status::ok);
  link_status last = link_status::ok;
  for (int i = 0; i < 10 && last == link_status::ok; ++i) {
    last = p.here.send(p.there.address(), test::pattern(16'000'000));
  }
  CHECK(last == link_status::short_write);
}

TEST_CASE("a network that cuts handshakes and records passes nothing on that is not whole") {
  test::drops dropped;
  trusting_pair p({.timeout = 2s, .on_drop = dropped.recorder()});
  test::bad_network network(p.there.address(), 200us);
  const std::jthread trouble([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + i * 7 % 50));
      network.cut();
    }
  });
  std::uint32_t tries = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto message = test::numbered(i, i % 5 == 0 ? 60'000 : 40);
    while (p.here.send_acknowledged(network.address(), message) != link_status::ok) {
      ++tries;
    }
  }
  std::set<std::uint32_t> arrived;
  datagram d;
  while (p.there.try_receive(d) == status::ok) {
    const std::uint32_t number = test::number_of(d.bytes);
    REQUIRE(test::same(d.bytes, test::numbered(number, number % 5 == 0 ? 60'000 : 40)));
    arrived.insert(number);
  }
  CHECK(arrived.size() == 100);
  CHECK(tries > 0);
  MESSAGE(tries, " tries in vain, ", dropped.count(drop_reason::untrusted), " handshakes cut, ",
          dropped.count(drop_reason::reset), " connections");
}

TEST_CASE(
    "files for TLS that are not there, or not what they should be, are named with the reason") {
  test::scratch place;
  const test::authority ca(place);
  const auto one = ca.sign();
  const auto other = ca.sign();
  const auto nonsense = place.path() / "nonsense";
  std::ofstream(nonsense) << "nonsense";
  const auto missing = place.path() / "missing";
  const auto why = [](const millrace::tls_options& tls, const char* address = "127.0.0.1:0") {
    auto caught = test::error_of([&] { tcp_link({.address = address, .tls = tls}); });
    CHECK(caught.code == errc::invalid_option);
    return caught;
  };
  CHECK(why({}).says("needs a certificate"));
  CHECK(why({.certificate = one.certificate}).says("go together"));
  CHECK(why({.key = one.key}, "").says("go together"));
  for (const auto& caught :
       {why({.certificate = missing, .key = one.key}),
        why({.certificate = one.certificate, .key = missing}), why({.ca = missing}, "")}) {
    CHECK(caught.says(missing.string()));
    CHECK(caught.says("No such file"));
  }
  for (const auto& caught :
       {why({.certificate = nonsense, .key = one.key}),
        why({.certificate = one.certificate, .key = nonsense}), why({.ca = nonsense}, "")}) {
    CHECK(caught.says(nonsense.string()));
    CHECK(caught.says("not usable"));
  }
  CHECK(why({.certificate = one.certificate, .key = other.key}).says("key values mismatch"));
  if (::geteuid() != 0) {
    std::filesystem::permissions(one.key, std::filesystem::perms::none);
    CHECK_ERROR(errc::permission_denied,
                tcp_link({.tls = {{.certificate = one.certificate, .key = one.key}}}));
  }
}
