// From a stream into a queue.
#include <atomic>
#include <csignal>
#include <thread>

#include <doctest/doctest.h>

#include <millrace/queue/inspect.hpp>

#include "nats/bridging.hpp"
#include "nats/jetstream.hpp"
#include "nats/server.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;

namespace {

/// A stream ORDERS and a bridge from it into a queue.
struct from_orders {
  explicit from_orders(const std::string& url, std::size_t capacity = 16 << 20)
      : queue("orders", files.options(capacity)) {
    options.server.url = url;
    options.stream.name = "ORDERS";
    options.consumer = "berlin";
    options.ack_wait = std::chrono::nanoseconds(1s);
    options.retry_pause = 20ms;
    options.on_event = said.listener();
  }

  [[nodiscard]] auto bridge() {
    return [this](const std::stop_token& stop) {
      millrace::publisher to("orders", files.options());
      return millrace::bridge_from_nats(to, options, stop);
    };
  }
  [[nodiscard]] std::uint64_t arrived() const {
    return millrace::stat("orders", files.path()).depth;
  }
  std::vector<std::string> take_all() {
    std::vector<std::string> messages;
    while (const auto message = queue.try_dequeue()) {
      messages.emplace_back(message->text());
    }
    return messages;
  }

  test::scratch files;
  millrace::subscriber queue;
  millrace::from_nats_options options;
  test::chronicle said;
};

}  // namespace

TEST_CASE("what is in a stream comes into the queue in its order, and is acknowledged") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  auto messages = test::numbers(1, 3000);
  messages[7] = "";
  messages[8] = std::string("\0\r\n\xff", 4);
  messages[9] = std::string(300'000, 'x');
  stream.publish("orders.a", messages);
  from_orders orders(server.url());
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return orders.arrived() == 3000; });
  const auto result = bridge.finish();
  CHECK(result.ended == millrace::status::cancelled);
  CHECK(result.messages == 3000);
  CHECK(orders.take_all() == messages);
  const auto consumer = stream.consumer("ORDERS", "berlin");
  CHECK(consumer.pending == 0);
  CHECK(consumer.ack_floor == 3000);
}

TEST_CASE("a subject with wildcards takes a part of the stream, and the next bridge goes on") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  from_orders orders(server.url());
  orders.options.subject = "orders.*.new";
  for (const auto& [first, last] : {std::pair{1, 100}, std::pair{101, 200}}) {
    stream.publish("orders.x.new", test::numbers(first, last));
    stream.publish("orders.x.old", test::numbers(first, last));
    test::bridging bridge(orders.bridge());
    test::eventually([&] { return orders.arrived() == 100; });
    CHECK(bridge.finish().messages == 100);
    CHECK(orders.take_all() == test::numbers(first, last));
  }
}

TEST_CASE("from a server that is killed and started again every message comes once") {
  test::nats_process server;
  test::jetstream(server.url()).make_stream("ORDERS", "orders.>");
  test::jetstream(server.url()).publish("orders.a", test::numbers(1, 12'000));
  from_orders orders(server.url());
  test::bridging bridge(orders.bridge());
  for (const int reached : {1, 4000, 8000}) {
    test::eventually([&] { return orders.arrived() >= static_cast<std::uint64_t>(reached); });
    server.kill();
    server.start();
  }
  test::eventually([&] { return orders.arrived() >= 12'000; });
  bridge.finish();
  CHECK(test::tally(orders.take_all()) == test::tally(test::numbers(1, 12'000)));
}

TEST_CASE("over a network that is cut in the middle of messages every message comes once") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.publish("orders.a", test::numbers(1, 5000));
  test::cutting_proxy network(server.port(), 150'001);
  from_orders orders(network.url());
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return network.cuts() >= 4; });
  network.mend();
  test::eventually([&] { return orders.arrived() >= 5000; });
  test::eventually([&] { return stream.consumer("ORDERS", "berlin").pending == 0; });
  CHECK(bridge.finish().messages == 5000);
  CHECK(test::tally(orders.take_all()) == test::tally(test::numbers(1, 5000)));
}

TEST_CASE("a bridge that is killed loses nothing, and doubles no more than max_ack_pending") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.publish("orders.a", test::numbers(1, 6000));
  from_orders orders(server.url());
  const auto start = [&] {
    return test::child::execute({MILLRACE_COMMAND, "bridge", "--nats", server.url(), "--stream",
                                 "ORDERS", "--queue", "orders", "--directory", orders.files.path(),
                                 "--from-nats", "--max-ack-pending", "100", "--ack-wait", "1s"});
  };
  auto first = start();
  test::eventually([&] { return orders.arrived() > 0; });
  first.kill();
  auto second = start();
  test::eventually([&] {
    const auto state = stream.consumer("ORDERS", "orders");
    return state.pending == 0 && state.waiting == 0;
  });
  second.signal(SIGTERM);
  CHECK(second.wait() == 0);
  const auto messages = orders.take_all();
  CHECK(test::tally(messages).size() == 6000);
  CHECK(messages.size() <= 6100);
}

TEST_CASE("a full queue holds the server back, and nothing is lost or doubled by waiting") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.publish("orders.a", test::numbers(1, 1000));
  from_orders orders(server.url(), 64 * 256);  // 64 messages
  orders.options.max_ack_pending = 100;
  orders.options.batch = 50;
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return orders.arrived() == 64; });
  std::this_thread::sleep_for(1500ms);  // longer than ack_wait
  CHECK(stream.consumer("ORDERS", "berlin").pending <= 100);
  std::vector<std::string> messages;
  const auto take = [&](std::size_t count) {
    while (messages.size() < count) {
      if (const auto message = orders.queue.dequeue_for(10s)) {
        messages.emplace_back(message->text());
      }
    }
  };
  take(30);  // so that it asks for more, and gets some again that it has not acknowledged yet
  std::this_thread::sleep_for(200ms);
  take(1000);
  test::eventually([&] { return stream.consumer("ORDERS", "berlin").pending == 0; });
  const auto result = bridge.finish();
  CHECK(result.messages == 1000);
  CHECK(result.repeated > 0);
  CHECK(test::tally(messages) == test::tally(test::numbers(1, 1000)));
  CHECK(orders.take_all().empty());
}

TEST_CASE("a message too large for the queue ends the bridge and stays, or is terminated") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.publish("orders.a", {"before", std::string(100'000, 'x'), "after"});
  from_orders orders(server.url(), 64 * 256);
  const auto ended = test::error_of([&] { test::bridging(orders.bridge()).wait(); });
  CHECK(ended.code == millrace::errc::invalid_option);
  CHECK(ended.says("100000 bytes"));
  orders.options.when_oversized = millrace::oversized::skip;
  test::bridging bridge(orders.bridge());
  test::eventually([&] {
    const auto state = stream.consumer("ORDERS", "berlin");
    return state.pending == 0 && state.waiting == 0;
  });
  CHECK(bridge.finish().skipped == 1);
  CHECK(orders.said.count(millrace::nats_event::skipped) == 1);
  CHECK(test::tally(orders.take_all()) == test::tally({"before", "after"}));
  CHECK(stream.size("ORDERS") == 3);
}

TEST_CASE("what a bridge had fetched as it was stopped is given to the next one at once") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>");
  stream.publish("orders.a", test::numbers(1, 200));
  from_orders orders(server.url(), 64 * 256);
  orders.options.ack_wait = std::chrono::nanoseconds(1h);
  test::bridging first(orders.bridge());
  test::eventually([&] { return orders.arrived() == 64; });
  CHECK(first.finish().messages == 64);
  std::vector<std::string> messages = orders.take_all();
  test::bridging second(orders.bridge());
  while (messages.size() < 199) {  // nats-server 2.9 keeps the first that it gets back for ack_wait
    if (const auto message = orders.queue.dequeue_for(10s)) {
      messages.emplace_back(message->text());
    }
  }
  second.finish();
  CHECK(test::tally(messages).size() == messages.size());
}
