// How messages get to the kernel: in one piece or from several places, copied or from where they
// lie, at once or with others. Of any of it the other end notices nothing.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <millrace/link/tcp_link.hpp>

#include "link/certificates.hpp"
#include "link/peers.hpp"
#include "support/bytes.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using millrace::datagram;
using millrace::link_options;
using millrace::link_status;
using millrace::status;
using millrace::tcp_link;

namespace {

using part = std::span<const std::byte>;

/// Cuts a message into parts of these sizes, and one of what is left.
std::vector<part> cut(part message, std::initializer_list<std::size_t> sizes) {
  std::vector<part> parts;
  for (const std::size_t size : sizes) {
    parts.push_back(message.first(size));
    message = message.subspan(size);
  }
  parts.push_back(message);
  return parts;
}

/// Two links, with TLS or without.
struct pair_of_links {
  explicit pair_of_links(bool with_tls) {
    if (with_tls) {
      tls = test::authority(place).tls();
    }
    there = tcp_link({.tls = tls});
    here = tcp_link({.address = "", .tls = tls});
  }

  test::scratch place;
  std::optional<millrace::tls_options> tls;
  tcp_link there;
  tcp_link here;
};

}  // namespace

TEST_CASE("parts arrive as one message") {
  for (const bool with_tls : {false, true}) {
    INFO("TLS: ", with_tls);
    pair_of_links p(with_tls);
    const auto arrives = [&](const std::vector<part>& parts, part whole) {
      REQUIRE(p.here.send(p.there.address(), parts) == link_status::ok);
      datagram d;
      REQUIRE(p.there.receive(d) == status::ok);
      CHECK(test::same(d.bytes, whole));
    };
    arrives({}, {});
    arrives({part()}, {});
    const auto small = test::pattern(100);
    arrives(cut(small, {}), small);
    arrives(cut(small, {0, 1, 0, 99}), small);
    for (const std::size_t size : {16'383u, 16'384u, 100'000u, 3'000'000u}) {
      const auto large = test::pattern(size, size);
      arrives(cut(large, {}), large);
      arrives(cut(large, {0, 10, 0, size / 2}), large);
      arrives(cut(large, {size - 1, 1}), large);
    }
    const auto one = test::pattern(300);
    std::vector<part> many;  // more than the kernel takes at once
    test::bytes whole;
    for (int i = 0; i < 2000; ++i) {
      many.emplace_back(one);
      whole.insert(whole.end(), one.begin(), one.end());
    }
    arrives(many, whole);
  }
}

TEST_CASE("a message in parts is measured as a whole") {
  tcp_link here({.address = "", .max_message_size = 30'000});
  const auto part_of_it = test::pattern(10'001);
  const std::vector<part> parts(3, part_of_it);
  CHECK(here.send(test::nobody(), parts) == link_status::too_large);
}

TEST_CASE("what the kernel does not take of a large message goes later, and nothing before it") {
  const test::raw_listener slow(16, 1 << 16);
  tcp_link here({.address = ""});
  CHECK(here.send(slow.address(), "first") == link_status::ok);
  const test::raw_peer peer = slow.accept();
  CHECK(peer.read(7).size() == 7);
  constexpr std::size_t size = 12'000'000;
  const auto large = test::pattern(size);
  std::jthread sender([&] {
    CHECK(here.send(slow.address(), cut(large, {1, 5'000'000, 0})) == link_status::ok);
  });
  CHECK(peer.read(5) == test::bytes{std::byte{0xC6}, std::byte{0x00}, std::byte{0xB7},
                                    std::byte{0x1B}, std::byte{0x00}});
  CHECK(here.post(slow.address(), test::as_bytes("last"), 0ns) ==
        link_status::timeout);  // the large one waits
  std::jthread another([&] { CHECK(here.send(slow.address(), "last") == link_status::ok); });
  std::this_thread::sleep_for(20ms);
  CHECK(test::same(peer.read(size), large));
  CHECK(test::as_text(peer.read(6)) == "\xC4\x04last");
}

TEST_CASE("a connection lost in the middle of a message in parts is told") {
  const test::raw_listener listener;
  tcp_link here({.address = ""});
  CHECK(here.send(listener.address(), "first") == link_status::ok);
  test::raw_peer peer = listener.accept();
  const auto large = test::pattern(16'000'000);
  std::jthread breaking([&] {
    CHECK(peer.read(1000).size() == 1000);
    peer.reset();
  });
  CHECK(here.send(listener.address(), cut(large, {5, 8'000'000})) == link_status::short_write);
}

TEST_CASE("large messages among small ones of many senders arrive whole and in order") {
  for (const bool with_tls : {false, true}) {
    INFO("TLS: ", with_tls);
    pair_of_links p(with_tls);
    constexpr std::uint32_t senders = 4;
    constexpr std::uint32_t count = 300;
    const auto message = [](std::uint32_t sender, std::uint32_t i) {
      const std::size_t size = (i + sender) % 4 == 0 ? 16'000 + i * 500 : 8 + i % 100;
      auto made = test::pattern(size, sender * count + i);
      std::ranges::copy(test::numbered(sender * count + i), made.begin());
      return made;
    };
    std::vector<std::jthread> threads;
    for (std::uint32_t sender = 0; sender < senders; ++sender) {
      threads.emplace_back([&, sender] {
        const std::string& to = p.there.address();
        for (std::uint32_t i = 0; i < count; ++i) {
          const auto m = message(sender, i);
          const auto sent = i % 16 == 5   ? p.here.send_acknowledged(to, m)
                            : i % 16 == 6 ? p.here.post(to, m)
                            : i % 16 == 7 ? p.here.try_send(to, m)
                                          : p.here.send(to, cut(m, {4, m.size() / 3}));
          if (sent == link_status::timeout && i % 16 == 7) {
            --i;  // there was no room
          } else if (sent != link_status::ok) {
            FAIL_CHECK("not sent: ", millrace::to_string(sent));
            return;
          }
        }
      });
    }
    std::vector<std::uint32_t> next(senders);
    datagram d;
    for (std::uint32_t n = 0; n < senders * count; ++n) {
      REQUIRE(p.there.receive(d) == status::ok);
      const std::uint32_t number = test::number_of(d.bytes);
      const std::uint32_t sender = number / count;
      REQUIRE(sender < senders);
      REQUIRE(number % count == next[sender]);
      REQUIRE(test::same(d.bytes, message(sender, next[sender]++)));
    }
  }
}

TEST_CASE("what is sent at once comes behind what was posted before") {
  tcp_link here({.address = ""});
  tcp_link there;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto m = test::numbered(i);
    REQUIRE((i % 10 == 9 ? here.try_send(there.address(), m) : here.post(there.address(), m)) ==
            link_status::ok);
  }
  datagram d;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    REQUIRE(there.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
}

TEST_CASE("what is sent at once is written by who sends it") {
  const test::raw_listener listener;
  boost::asio::io_context context;
  tcp_link here(context, {.address = ""});
  {
    auto work = boost::asio::make_work_guard(context);
    std::jthread running([&] { context.run(); });
    CHECK(here.send(listener.address(), "first") == link_status::ok);
    context.stop();
  }
  const test::raw_peer peer = listener.accept();
  CHECK(here.try_send(listener.address(), "second") == link_status::ok);  // nobody else could
  CHECK(test::as_text(peer.read(15)) == "\xC4\x05"
                                        "first"
                                        "\xC4\x06"
                                        "second");
  here.close();
  context.restart();
  context.run();
}

TEST_CASE("who sends at once waits for nothing, and hears later what was lost") {
  const test::raw_listener deaf;
  tcp_link here({.address = "", .timeout = 1h});
  const auto some = test::pattern(100'000);
  link_status s = link_status::ok;
  while (s == link_status::ok) {
    s = here.try_send(deaf.address(), some);
  }
  CHECK(s == link_status::timeout);
  std::jthread reader([&, peer = deaf.accept()] { (void)peer.read(10'000'000); });
  test::eventually([&] { return here.try_send(deaf.address(), "x") == link_status::ok; });
  here.close();

  tcp_link another({.address = "", .max_message_size = 10});
  CHECK(another.try_send(deaf.address(), some) == link_status::too_large);
  const std::string nobody = test::nobody();
  CHECK(another.try_send(nobody, "lost") == link_status::ok);
  test::eventually([&] { return (s = another.try_send(nobody, "x")) != link_status::ok; });
  CHECK(s == link_status::refused);
}

TEST_CASE("memory that is used again holds what arrived last, however it was cut") {
  tcp_link link;
  const test::raw_peer peer(link.address());
  constexpr int count = 200;
  const auto message = [](int i) {
    const auto seed = static_cast<std::size_t>(i);
    return test::pattern(i % 5 == 4 ? seed : 16'380 + seed * seed * 7 % 60'000, seed);
  };
  std::jthread writer([&] {
    std::string all;
    std::uint64_t requests = 0;
    const auto add_number = [&](std::uint64_t number, int size) {
      for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
        all += static_cast<char>(number >> shift);
      }
    };
    for (int i = 0; i < count; ++i) {
      const auto m = message(i);
      if (i % 3 == 0) {
        all += '\xC9';  // ext 1: a number before the message
        add_number(8 + m.size(), 4);
        all += '\x01';
        add_number(++requests, 8);
      } else {
        all += '\xC6';
        add_number(m.size(), 4);
      }
      all += test::as_text(m);
    }
    std::mt19937 random(1);
    for (std::string_view rest = all; !rest.empty();) {
      const auto piece = rest.substr(0, 1 + random() % (random() % 4 == 0 ? 20 : 50'000));
      if (!peer.write(piece)) {
        FAIL_CHECK("the link hung up");
        return;
      }
      rest.remove_prefix(piece.size());
      if (random() % 4 == 0) {
        std::this_thread::sleep_for(200us);
      }
    }
  });
  datagram d;  // its memory goes back each time
  for (int i = 0; i < count; ++i) {
    INFO("message ", i);
    REQUIRE(link.receive(d) == status::ok);
    REQUIRE(test::same(d.bytes, message(i)));
  }
}
