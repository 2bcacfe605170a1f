// A session of TLS without a socket: the bytes between its two ends are the test's.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "link/certificates.hpp"
#include "link/ticket_giver.hpp"
#include "link/tls_context.hpp"
#include "link/tls_session.hpp"
#include "support/bytes.hpp"

using millrace::detail::tls_context;
using millrace::detail::tls_session;

namespace {

struct ends {
  ends() {
    std::vector<std::byte> room(2 * tls_session::record_size);
    (void)caller->read({}, room);
    for (int i = 0; i < 4; ++i) {
      pass(*caller, *called, room);
      pass(*called, *caller, room);
    }
  }

  static void pass(tls_session& from, tls_session& to, std::span<std::byte> room) {
    const auto sealed = from.seal({});
    (void)to.read(sealed, room);
    CHECK(from.sent(sealed.size()) == 0);
  }

  test::scratch place;
  test::authority ca{place};
  tls_context context{ca.tls(), true};
  std::unique_ptr<tls_session> caller = context.connect("127.0.0.1");
  std::unique_ptr<tls_session> called = context.accept();
};

}  // namespace

TEST_CASE("two sessions of TLS agree, and then have nothing to say") {
  ends e;
  CHECK(e.caller->established());
  CHECK(e.called->established());
  CHECK(e.caller->seal({}).empty());
  CHECK(e.called->seal({}).empty());
}

TEST_CASE("what was sent is counted by whole records") {
  ends e;
  const auto message = test::pattern(3 * tls_session::record_size + 100);
  const std::size_t size = e.caller->seal(message).size();
  std::vector<std::size_t> counts;
  for (std::size_t i = 0; i < size; ++i) {
    CHECK(e.caller->unsent());
    CHECK(e.caller->seal(message).size() == size - i);  // the rest of it, and nothing new
    if (const std::size_t plain = e.caller->sent(1); plain > 0) {
      counts.push_back(plain);
    }
  }
  CHECK_FALSE(e.caller->unsent());
  const auto record = tls_session::record_size;
  CHECK(counts == std::vector<std::size_t>{record, record, record, 100});
}

TEST_CASE("sealed bytes may come in pieces of any size") {
  ends e;
  const auto message = test::pattern(40'000);
  for (const std::size_t piece : {1u, 7u, 1000u, 17'000u, 100'000u}) {
    test::bytes got;
    auto sealed = e.caller->seal(message);
    (void)e.caller->sent(sealed.size());
    std::vector<std::byte> room(piece + tls_session::record_size);
    while (!sealed.empty()) {
      const auto now = sealed.first(std::min(piece, sealed.size()));
      const auto read = e.called->read(now, room);
      CHECK(read.how == tls_session::outcome::going_on);
      got.insert(got.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(read.size));
      sealed = sealed.subspan(now.size());
    }
    CHECK(test::same(got, message));
  }
}

TEST_CASE("much is sealed in parts") {
  ends e;
  const auto message = test::pattern(10'000'000);
  const auto sealed = e.caller->seal(message);
  CHECK(sealed.size() < 200'000);
  CHECK(e.caller->sent(sealed.size()) > 100'000);
}

TEST_CASE("after a failure nothing is sealed") {
  ends e;
  std::vector<std::byte> room(2 * tls_session::record_size);
  const std::string wrong = "\x17\x03\x03" + std::string("\0\x20", 2) + std::string(32, 'x');
  CHECK(e.called->read(test::as_bytes(wrong), room).how == tls_session::outcome::failed);
  CHECK(e.called->why() == "decryption failed or bad record mac");
  const auto alert = e.called->seal(test::as_bytes("a message"));
  CHECK(e.caller->read(alert, room).how == tls_session::outcome::failed);
  CHECK(e.called->sent(alert.size()) == 0);
  CHECK(e.called->seal(test::as_bytes("a message")).empty());
}

TEST_CASE("what is to be sealed waits while the peer is in the middle of a ticket, and then goes") {
  test::scratch place;
  const test::authority ca(place);
  tls_context context(ca.tls(), false);
  const auto caller = context.connect("127.0.0.1");
  test::ticket_giver peer(ca.sign());
  std::vector<std::byte> room(4 * tls_session::record_size);
  const auto message = test::as_bytes("a message");
  const auto speak = [&] {
    const auto sealed = caller->seal({});
    peer.hear(sealed);
    (void)caller->sent(sealed.size());
  };
  (void)caller->read({}, room);
  speak();
  CHECK_FALSE(peer.shake_hands());
  (void)caller->read(peer.said(), room);
  speak();
  REQUIRE(caller->established());
  REQUIRE(peer.shake_hands());

  const auto tickets = peer.said();
  const std::size_t first = test::ticket_giver::first_record(tickets);
  CHECK(caller->read(std::span(tickets).first(first), room).how == tls_session::outcome::going_on);
  CHECK(caller->seal(message).empty());
  const auto rest = caller->read(std::span(tickets).subspan(first), room);
  CHECK(rest.how == tls_session::outcome::going_on);
  CHECK(rest.answers);  // or nobody would seal what waits
  const auto sealed = caller->seal(message);
  peer.hear(sealed);
  CHECK(caller->sent(sealed.size()) == message.size());
  CHECK(peer.read() == "a message");
}
