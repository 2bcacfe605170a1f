// Queues joined over a network that cuts, delays and truncates, by processes that are killed:
// nothing is lost, and nothing comes twice but for a reason.
#include <chrono>
#include <cstdint>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/link/queue_link.hpp>
#include <millrace/queue/inspect.hpp>

#include "link/certificates.hpp"
#include "link/peers.hpp"
#include "link/proxy.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::publisher;
using millrace::queue_collector;
using millrace::queue_forwarder;
using millrace::status;
using millrace::subscriber;

namespace {

constexpr std::size_t capacity = 256 * 1024;

std::size_t messages_in(const std::string& name, const test::scratch& place) {
  const auto info = millrace::stat(name, place.path());
  return info.depth + info.in_hands;
}

/// Takes messages 0 to count - 1 out of the queue, in any order, and counts how often each came.
std::vector<int> take_all(subscriber& from, std::uint32_t count) {
  std::vector<int> times(count);
  for (std::uint32_t distinct = 0; distinct < count;) {
    const auto m = from.dequeue();
    REQUIRE(m);
    const auto number = test::number_of(m->bytes());
    REQUIRE(number < count);
    REQUIRE(test::same(m->bytes(), test::numbered(number, 4 + number % 300)));
    distinct += ++times[number] == 1 ? 1 : 0;
  }
  return times;
}

std::jthread publish_all(const test::scratch& place, std::uint32_t count,
                         std::chrono::microseconds pause = {}) {
  return std::jthread([to = publisher("here", place.options(capacity)), count, pause]() mutable {
    for (std::uint32_t i = 0; i < count; ++i) {
      CHECK(to.enqueue(test::numbered(i, 4 + i % 300)) == status::ok);
      if (i % 10 == 0) {
        std::this_thread::sleep_for(pause);
      }
    }
  });
}

std::jthread run(auto& side) {
  return std::jthread(
      [&](const std::stop_token& stop) { CHECK(side.run(stop) == status::cancelled); });
}

}  // namespace

TEST_CASE("a queue link passes messages on in their order, and both ends stop when told") {
  const test::scratch place;
  constexpr std::uint32_t count = 5000;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  auto collecting = run(collector);
  const auto publishing = publish_all(place, count);
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  auto forwarding = run(forwarder);
  subscriber from("there", place.options());
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto m = from.dequeue();
    REQUIRE(m);
    REQUIRE(test::number_of(m->bytes()) == i);
  }
  test::eventually([&] { return forwarder.forwarded() == count; });
  CHECK(collector.collected() == count);
  CHECK(forwarder.last_failure() == millrace::link_status::ok);
  CHECK(messages_in("here", place) == 0);
}

TEST_CASE("messages of every size go over a queue link as they are, one by one or together") {
  const test::scratch place;
  constexpr std::uint32_t count = 400;
  const auto message = [](std::uint32_t i) {
    const std::size_t size = i % 50 == 49      ? 400'000
                             : i / 50 % 2 == 0 ? i % 7
                             : i % 3 == 0      ? 16'383 + i % 2
                                               : std::size_t{i} * i % 70'000;
    return test::pattern(size, i);
  };
  constexpr std::size_t room = 4 << 20;
  queue_collector collector(publisher("there", place.options(room)), "127.0.0.1:0");
  const auto collecting = run(collector);
  const std::jthread publishing([&, to = publisher("here", place.options(room))]() mutable {
    for (std::uint32_t i = 0; i < count; ++i) {
      CHECK(to.enqueue(message(i)) == status::ok);
    }
  });
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  const auto forwarding = run(forwarder);
  subscriber from("there", place.options());
  for (std::uint32_t i = 0; i < count; ++i) {
    INFO("message ", i);
    const auto m = from.dequeue();
    REQUIRE(m);
    REQUIRE(test::same(m->bytes(), message(i)));
  }
}

TEST_CASE("a message is in its queue until the other has it") {
  const test::scratch place;
  const test::raw_listener deaf;  // takes all, acknowledges nothing
  publisher to("here", place.options(capacity));
  for (std::uint32_t i = 0; i < 10; ++i) {
    REQUIRE(to.enqueue(test::numbered(i)) == status::ok);
  }
  {
    queue_forwarder forwarder(subscriber("here", place.options()), deaf.address());
    const auto forwarding = run(forwarder);
    CHECK(deaf.accept().read(100).size() == 100);
    CHECK(forwarder.forwarded() == 0);
  }
  subscriber again("here", place.options());
  for (std::uint32_t i = 0; i < 10; ++i) {
    CHECK(again.try_dequeue());
  }
}

TEST_CASE("a message too large for the other queue stays, and the forwarder says so") {
  const test::scratch place;
  queue_collector collector(publisher("there", place.options(64 * 1024)), "127.0.0.1:0");
  const auto collecting = run(collector);
  publisher to("here", place.options(1 << 20));
  REQUIRE(to.enqueue(test::numbered(1)) == status::ok);
  REQUIRE(to.enqueue(test::pattern(100'000)) == status::ok);
  REQUIRE(to.enqueue(test::numbered(3)) == status::ok);
  queue_forwarder forwarder(subscriber("here", place.options()), collector.address());
  CHECK(forwarder.run({}) == status::too_large);
  CHECK(forwarder.forwarded() == 1);
  CHECK(messages_in("here", place) == 2);
}

TEST_CASE("a forwarder waits for a collector that is not there yet, or whose queue is full") {
  const test::scratch place;
  test::bad_network network(test::nobody());
  constexpr std::uint32_t count = 2000;
  const auto publishing = publish_all(place, count);
  test::eventually([&] { return messages_in("here", place) > 0; });
  queue_forwarder forwarder(subscriber("here", place.options()), network.address());
  const auto forwarding = run(forwarder);
  test::eventually([&] { return forwarder.last_failure() != millrace::link_status::ok; });
  queue_collector collector(publisher("there", place.options(64 * 64, 64)), "127.0.0.1:0");
  const auto collecting = run(collector);
  network.lead_to(collector.address());
  std::this_thread::sleep_for(100ms);  // its queue has room for 64
  subscriber from("there", place.options());
  for (const int times : take_all(from, count)) {
    REQUIRE(times == 1);
  }
}

TEST_CASE("a connection that leads nowhere any more is left for another one") {
  const test::scratch place;
  const test::raw_listener nowhere;
  test::bad_network network(nowhere.address());
  publisher to("here", place.options(capacity));
  REQUIRE(to.enqueue(test::numbered(0)) == status::ok);
  queue_forwarder forwarder(subscriber("here", place.options()), network.address());
  const auto forwarding = run(forwarder);
  const test::raw_peer silent = nowhere.accept();
  CHECK(silent.read(10).size() == 10);
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  const auto collecting = run(collector);
  network.lead_to(collector.address());
  subscriber from("there", place.options());
  CHECK(from.dequeue());
}

TEST_CASE("a network that cuts, delays and truncates costs no message, and doubles none") {
  test::allow(120);
  const test::scratch place;
  constexpr std::uint32_t count = 20'000;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0");
  test::bad_network network(collector.address(), 300us);
  auto collecting = run(collector);
  const auto publishing = publish_all(place, count, 200us);
  queue_forwarder forwarder(subscriber("here", place.options()), network.address());
  auto forwarding = run(forwarder);
  const std::jthread trouble([&](const std::stop_token& stop) {
    std::mt19937 random(1);
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % 60));
      network.cut();
    }
  });
  subscriber from("there", place.options());
  for (const int times : take_all(from, count)) {
    REQUIRE(times == 1);
  }
  CHECK(network.truncations() > 0);
}

TEST_CASE("a queue link with TLS loses nothing when it is cut, and lets no stranger in") {
  test::allow(120);
  const test::scratch place;
  const test::authority ca(place);
  constexpr std::uint32_t count = 3000;
  queue_collector collector(publisher("there", place.options(capacity)), "127.0.0.1:0", ca.tls());
  const auto collecting = run(collector);
  {
    publisher to("elsewhere", place.options(capacity));
    REQUIRE(to.enqueue(test::numbered(0)) == status::ok);
    queue_forwarder stranger(subscriber("elsewhere", place.options()), collector.address(), 256,
                             {{.ca = ca.self().certificate}});
    const auto in_vain = run(stranger);
    test::eventually([&] { return stranger.last_failure() == millrace::link_status::untrusted; });
    CHECK(stranger.forwarded() == 0);
  }
  CHECK(collector.collected() == 0);
  const auto publishing = publish_all(place, count, 200us);
  test::bad_network network(collector.address(), 300us);
  queue_forwarder forwarder(subscriber("here", place.options()), network.address(), 256, ca.tls());
  const auto forwarding = run(forwarder);
  const std::jthread trouble([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20 + i % 60));
      network.cut();
    }
  });
  subscriber from("there", place.options());
  for (const int times : take_all(from, count)) {
    REQUIRE(times == 1);
  }
}

TEST_CASE("either side killed, or the network cut between them, again and again loses nothing") {
  test::allow(200);
  const test::scratch place;
  constexpr std::uint32_t count = 5000;
  const publisher maker("there", place.options(capacity));
  test::bad_network network(test::nobody(), 300us);
  const auto start = [&](const char* how, const std::string& address, const char* queue) {
    return test::child::execute(
        {MILLRACE, "link", how, address, "--queue", queue, "--directory", place.path().string()});
  };
  const auto new_collector = [&] {
    const std::string address = test::nobody();
    auto side = start("--listen", address, "there");
    network.lead_to(address);
    return side;
  };
  const auto new_forwarder = [&] { return start("--connect", network.address(), "here"); };
  const auto publishing = publish_all(place, count, 3ms);
  std::vector<test::child> sides;
  sides.push_back(new_collector());
  sides.push_back(new_forwarder());
  int kills = 0;
  int cuts = 0;
  std::jthread killing([&](const std::stop_token& stop) {
    std::mt19937 random(2);
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 100));
      const std::size_t which = random() % 3;
      if (which == 2) {
        network.cut();
        ++cuts;
        continue;
      }
      ++kills;
      sides[which].kill();
      sides[which] = which == 0 ? new_collector() : new_forwarder();
    }
  });
  subscriber from("there", place.options());
  (void)take_all(from, count);  // returns when each has come
  killing.request_stop();
  killing.join();
  CHECK(kills > 0);
  CHECK(cuts > 0);
  MESSAGE(kills, " kills, ", cuts, " cuts");
}
