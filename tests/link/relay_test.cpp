// The two sides of a queue link, each against a link that plays the other one, well or badly.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/link/queue_link.hpp>
#include <millrace/queue/inspect.hpp>

#include "link/peers.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using millrace::datagram;
using millrace::link_status;
using millrace::publisher;
using millrace::queue_collector;
using millrace::queue_forwarder;
using millrace::status;
using millrace::subscriber;
using millrace::tcp_link;

namespace {

constexpr std::size_t capacity = 64 * 1024;

std::string big_endian(std::uint64_t number) {
  std::string text(8, '\0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 8) {
    *at = static_cast<char>(number);
  }
  return text;
}

/// What a forwarder says.
std::string message_frame(std::uint64_t oldest, std::uint64_t number, char forwarder = 'f',
                          int messages = 1) {
  std::string frame = "B" + std::string(16, forwarder) + big_endian(oldest) + big_endian(number);
  for (int i = 0; i < messages; ++i) {
    frame += big_endian(7) + "message";
  }
  return frame;
}

/// The last number in a forwarder's frame of messages of four bytes.
std::uint64_t last_in(const datagram& d) {
  const std::string text = test::as_text(d.bytes);
  const auto first = static_cast<unsigned char>(text.at(32));
  return first + (text.size() - 33) / (8 + 4) - 1;
}

/// Waits until the collector has said that its queue has all up to this one.
void wait_for_acknowledgement(tcp_link& forwarder, std::uint64_t number) {
  const auto expected = "A" + std::string(16, 'f') + big_endian(number);
  datagram d;
  do {
    REQUIRE(forwarder.receive(d) == status::ok);
  } while (test::as_text(d.bytes) != expected);
}

std::size_t messages_in(const std::string& name, const test::scratch& place) {
  const auto info = millrace::stat(name, place.path());
  return info.depth + info.in_hands;
}

void publish_ten(const test::scratch& place) {
  publisher to("here", place.options(capacity));
  for (std::uint32_t i = 0; i < 10; ++i) {
    REQUIRE(to.enqueue(test::numbered(i)) == status::ok);
  }
}

}  // namespace

TEST_CASE("who echoes messages has not acknowledged them") {
  const test::scratch place;
  publish_ten(place);
  tcp_link echo;
  queue_forwarder forwarder(subscriber("here", place.options()), echo.address());
  const std::jthread forwarding([&](const std::stop_token& stop) { (void)forwarder.run(stop); });
  datagram d;
  do {
    REQUIRE(echo.receive(d) == status::ok);
    REQUIRE(echo.send_acknowledged(d.from, d.bytes) == link_status::ok);
  } while (last_in(d) < 10);
  std::this_thread::sleep_for(50ms);  // it reads them
  CHECK(forwarder.forwarded() == 0);
  CHECK(messages_in("here", place) == 10);
}

TEST_CASE("messages go together, small and large ones, as far as a frame has room") {
  const test::scratch place;
  publisher to("here", place.options(4 << 20));
  std::vector<std::string> messages;
  for (const std::size_t size : {0u, 5u, 20'000u, 16'383u, 0u, 16'384u, 70'000u, 50'000u, 7u}) {
    messages.push_back(test::as_text(test::pattern(size, size)));
    REQUIRE(to.enqueue(messages.back()) == status::ok);
  }
  constexpr std::size_t together = 7;  // the next one would make it more than 130 KiB
  tcp_link collector;
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  const std::jthread forwarding([&](const std::stop_token& stop) { (void)forwarder.run(stop); });
  for (std::size_t first = 0; first < messages.size();) {
    datagram d;
    REQUIRE(collector.receive(d) == status::ok);
    const std::string frame = test::as_text(d.bytes);
    std::string expected = "B" + frame.substr(1, 16) + big_endian(1) + big_endian(first + 1);
    const std::size_t end = first == 0 ? together : messages.size();
    for (; first < end; ++first) {
      expected += big_endian(messages[first].size()) + messages[first];
    }
    CHECK(frame.size() == expected.size());
    CHECK((frame == expected));  // too much to be printed
  }
}

TEST_CASE("a connection that breaks each time though sending goes well is a failure") {
  const test::scratch place;
  publish_ten(place);
  const test::raw_listener breaking;
  queue_forwarder forwarder(subscriber("here", place.options()), breaking.address());
  const std::jthread forwarding([&](const std::stop_token& stop) { (void)forwarder.run(stop); });
  test::eventually([&] {
    test::raw_peer peer = breaking.accept();
    (void)peer.read(50);
    peer.reset();
    return forwarder.last_failure() == link_status::reset;
  });
}

TEST_CASE("a forwarder that is told to stop hears first what has arrived") {
  const test::scratch place;
  publish_ten(place);
  tcp_link collector;
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  std::jthread forwarding(
      [&](const std::stop_token& stop) { CHECK(forwarder.run(stop) == status::cancelled); });
  datagram d;
  do {
    REQUIRE(collector.receive(d) == status::ok);
  } while (last_in(d) < 10);
  forwarding.request_stop();
  std::this_thread::sleep_for(20ms);  // it knows
  const std::string id = test::as_text(d.bytes).substr(1, 16);
  CHECK(collector.send(d.from, "A" + id + big_endian(10)) == link_status::ok);
  forwarding.join();
  CHECK(forwarder.forwarded() == 10);
  CHECK(messages_in("here", place) == 0);
}

TEST_CASE("a forwarder does not take the time that its sending took for silence") {
  test::allow(30);
  const test::scratch place;
  constexpr std::size_t size = std::size_t{32} << 20;  // more than the kernel takes at once
  constexpr std::size_t heads = 5 + 33 + 8;
  publisher to("here", place.options(2 * size));
  REQUIRE(to.enqueue(test::pattern(size)) == status::ok);
  const test::raw_listener slow(16, 1 << 16);
  queue_forwarder forwarder(subscriber("here", place.options()), slow.address());
  const std::jthread forwarding([&](const std::stop_token& stop) { (void)forwarder.run(stop); });
  // Each time it takes longer than the forwarder waits for an answer.
  for (int pauses = 1; forwarder.forwarded() == 0; pauses *= 2) {
    const test::raw_peer peer = slow.accept();
    const std::string id = test::as_text(peer.read(heads)).substr(6, 16);
    std::size_t unread = size;
    for (int i = 0; i < pauses; ++i) {
      unread -= peer.read(size / 16).size();
      std::this_thread::sleep_for(700ms);
    }
    unread -= peer.read(unread).size();
    std::this_thread::sleep_for(50ms);
    (void)peer.write("\xC4\x19" + ("A" + id) + big_endian(1));
    test::eventually([&] { return forwarder.forwarded() == 1 || slow.wait_for_caller(1ms); });
  }
}

TEST_CASE("a forwarder gets used to answers that take long") {
  test::allow(30);
  const test::scratch place;
  publisher to("here", place.options(capacity));
  tcp_link collector;
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  const std::jthread forwarding([&](const std::stop_token& stop) { (void)forwarder.run(stop); });
  int answers = 0;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    REQUIRE(to.enqueue(test::numbered(0)) == status::ok);
    for (answers = 0; forwarder.forwarded() < i; ++answers) {
      datagram d;
      REQUIRE(collector.receive(d) == status::ok);
      std::this_thread::sleep_for(700ms);  // at first it waits no longer than 500
      const std::string id = test::as_text(d.bytes).substr(1, 16);
      (void)collector.send(d.from, "A" + id + big_endian(i));
      std::this_thread::sleep_for(20ms);
    }
  }
  CHECK(answers == 1);
}

TEST_CASE("a collector takes up a forwarder that another one has served meanwhile") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  const std::jthread collecting([&](const std::stop_token& stop) { (void)collector.run(stop); });
  tcp_link forwarder;
  REQUIRE(forwarder.send(collector.address(), message_frame(1, 1)) == link_status::ok);
  wait_for_acknowledgement(forwarder, 1);
  REQUIRE(forwarder.send(collector.address(), message_frame(10, 10)) == link_status::ok);
  wait_for_acknowledgement(forwarder, 10);
  CHECK(collector.collected() == 2);
}

TEST_CASE("of messages that come together, a collector takes those that it has not got") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  const std::jthread collecting([&](const std::stop_token& stop) { (void)collector.run(stop); });
  tcp_link forwarder;
  const auto send = [&](const std::string& frame) {
    REQUIRE(forwarder.send(collector.address(), frame) == link_status::ok);
  };
  send(message_frame(1, 1, 'f', 3));
  wait_for_acknowledgement(forwarder, 3);
  send(message_frame(1, 2, 'f', 5));  // 2 and 3 again
  wait_for_acknowledgement(forwarder, 6);
  send(message_frame(1, 1, 'f', 4));  // all of them again
  wait_for_acknowledgement(forwarder, 6);
  CHECK(collector.collected() == 6);
  std::string cut_short = message_frame(1, 7, 'f', 2);
  cut_short.pop_back();
  send(cut_short);
  wait_for_acknowledgement(forwarder, 7);
  CHECK(messages_in("there", place) == 7);
}

TEST_CASE("what another version says, of a message by itself, is not taken for a batch") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  const std::jthread collecting([&](const std::stop_token& stop) { (void)collector.run(stop); });
  tcp_link forwarder;
  const std::string message(16, '\0');  // as a batch: an empty message, and another one
  const auto before = "D" + std::string(16, 'o') + big_endian(1) + big_endian(1) + message;
  REQUIRE(forwarder.send(collector.address(), before) == link_status::ok);
  REQUIRE(forwarder.send(collector.address(), message_frame(1, 1)) == link_status::ok);
  wait_for_acknowledgement(forwarder, 1);
  CHECK(collector.collected() == 1);
}

TEST_CASE("numbers that no forwarder gives are not acknowledged") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  const std::jthread collecting([&](const std::stop_token& stop) { (void)collector.run(stop); });
  tcp_link forwarder;
  REQUIRE(forwarder.send(collector.address(), message_frame(0, 1)) == link_status::ok);
  REQUIRE(forwarder.send(collector.address(), message_frame(7, 6)) == link_status::ok);
  REQUIRE(forwarder.send(collector.address(), message_frame(1, 1)) == link_status::ok);
  datagram d;
  REQUIRE(forwarder.receive(d) == status::ok);
  CHECK(test::as_text(d.bytes) == "A" + std::string(16, 'f') + big_endian(1));
  CHECK(collector.collected() == 1);
}

TEST_CASE("a frame of millions of empty messages takes little memory besides itself") {
  const test::scratch place;
  const publisher maker("there", place.options(capacity));
  const std::string address = test::nobody();
  const auto collector = test::child::execute({MILLRACE, "link", "--listen", address, "--queue",
                                               "there", "--directory", place.path().string()});
  tcp_link forwarder({.address = ""});
  constexpr std::size_t mib = std::size_t{1} << 20;
  const auto empty_ones =
      "B" + std::string(16, 'f') + big_endian(1) + big_endian(1) + std::string(60 * mib, '\0');
  test::eventually([&] { return forwarder.send(address, empty_ones) == link_status::ok; });
  const auto info = millrace::stat("there", place.path());
  test::eventually([&] { return messages_in("there", place) == info.slots; });
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(test::resident_memory(collector.pid()) < 120 * mib);
#endif
}

TEST_CASE("a collector says what its queue has before it waits for room") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(16 * 64, 64)), "127.0.0.1:0");
  const std::size_t room = millrace::stat("there", place.path()).slots;
  tcp_link forwarder;
  const auto send = [&](const std::string& frame) {
    REQUIRE(forwarder.send_acknowledged(collector.address(), frame) == link_status::ok);
  };
  for (std::uint64_t i = 1; i <= 10; ++i) {
    send(message_frame(1, i));
  }
  for (std::uint64_t i = 1; i <= room; ++i) {
    send(message_frame(1, i, 'g'));  // another forwarder's, for which there is not enough
  }
  const std::jthread collecting([&](const std::stop_token& stop) { (void)collector.run(stop); });
  wait_for_acknowledgement(forwarder, 10);
}
