// From a queue into a stream.
#include <csignal>

#include <doctest/doctest.h>

#include <millrace/queue/inspect.hpp>

#include "nats/bridging.hpp"
#include "nats/jetstream.hpp"
#include "nats/server.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t room = 16 << 20;

/// A queue, and a bridge from it to subject orders.test of stream ORDERS.
struct to_orders {
  explicit to_orders(const std::string& url) {
    options.server.url = url;
    options.stream = {.name = "ORDERS", .subjects = {"orders.>"}};
    options.subject = "orders.test";
    options.retry_pause = 20ms;
    options.on_event = said.listener();
  }

  [[nodiscard]] auto bridge() {
    return [this](const std::stop_token& stop) {
      millrace::subscriber from("orders", files.options());
      return millrace::bridge_to_nats(from, options, stop);
    };
  }
  [[nodiscard]] std::uint64_t left() const {
    const auto state = millrace::stat("orders", files.path());
    return state.published - state.finished;
  }

  test::scratch files;
  millrace::publisher queue{"orders", files.options(room)};
  millrace::to_nats_options options;
  test::chronicle said;
};

}  // namespace

TEST_CASE("what is in a queue goes into the stream in its order, and leaves the queue") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  to_orders orders(server.url());
  auto messages = test::numbers(1, 3000);
  messages[7] = "";
  messages[8] = std::string("\0\r\n\xff", 4);
  messages[9] = std::string(300'000, 'x');
  test::bridging bridge(orders.bridge());
  test::enqueue_all(orders.queue, messages);
  test::eventually([&] { return orders.left() == 0; });
  const auto result = bridge.finish();
  CHECK(result.ended == millrace::status::cancelled);
  CHECK(result.messages == 3000);
  CHECK(result.repeated == 0);
  CHECK(stream.content("ORDERS") == messages);
  CHECK(orders.said.count(millrace::nats_event::connected) == 1);
}

TEST_CASE("a message stays in the queue until the stream has acknowledged it") {
  test::nats_process server;
  to_orders orders(server.url());
  orders.options.ack_timeout = 200ms;
  {
    test::bridging bridge(orders.bridge());
    test::eventually([&] { return orders.said.count(millrace::nats_event::connected) == 1; });
    server.freeze();
    test::enqueue_all(orders.queue, test::numbers(1, 10));
    test::eventually([&] { return orders.said.count(millrace::nats_event::disconnected) >= 1; });
    CHECK(orders.left() == 10);
    CHECK(bridge.finish().messages == 0);
  }
  server.thaw();
  millrace::subscriber other("orders", orders.files.options());
  for (const auto& expected : test::numbers(1, 10)) {
    const auto message = other.try_dequeue();
    REQUIRE(message.has_value());
    CHECK(message->redelivered());
    CHECK(message->text() == expected);
  }
}

TEST_CASE("a server that is killed and started again during traffic loses and doubles nothing") {
  test::nats_process server;
  to_orders orders(server.url());
  test::bridging bridge(orders.bridge());
  for (int part = 0; part < 3; ++part) {
    test::enqueue_all(orders.queue, test::numbers(part * 4000 + 1, part * 4000 + 2000));
    server.kill();
    test::enqueue_all(orders.queue, test::numbers(part * 4000 + 2001, part * 4000 + 4000));
    server.start();
  }
  test::eventually([&] { return orders.left() == 0; });
  CHECK(bridge.finish().messages == 12'000);
  CHECK(orders.said.count(millrace::nats_event::disconnected) >= 1);
  CHECK(test::jetstream(server.url()).content("ORDERS") == test::numbers(1, 12'000));
}

TEST_CASE("a network that is cut in the middle of messages loses and doubles nothing") {
  const test::nats_process server;
  test::cutting_proxy network(server.port(), 150'001);
  to_orders orders(network.url());
  test::bridging bridge(orders.bridge());
  test::enqueue_all(orders.queue, test::numbers(1, 5000));
  test::eventually([&] { return network.cuts() >= 4; });
  network.mend();
  test::eventually([&] { return orders.left() == 0; });
  CHECK(bridge.finish().messages == 5000);
  CHECK(test::jetstream(server.url()).content("ORDERS") == test::numbers(1, 5000));
}

TEST_CASE("what a frozen server did not acknowledge in time goes again and is not doubled") {
  test::nats_process server;
  to_orders orders(server.url());
  orders.options.ack_timeout = 100ms;
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return orders.said.count(millrace::nats_event::connected) == 1; });
  server.freeze();
  test::enqueue_all(orders.queue, test::numbers(1, 500));
  test::eventually([&] { return orders.said.count(millrace::nats_event::disconnected) >= 1; });
  CHECK(orders.said.said().find("no acknowledgement for 100 ms") != std::string::npos);
  server.thaw();
  test::eventually([&] { return orders.left() == 0; });
  CHECK(bridge.finish().messages == 500);
  CHECK(test::jetstream(server.url()).content("ORDERS") == test::numbers(1, 500));
}

TEST_CASE("a bridge that is killed loses nothing, and doubles no more than a window") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  to_orders orders(server.url());
  const auto start = [&] {
    return test::child::execute({MILLRACE_COMMAND, "bridge", "--nats", server.url(), "--stream",
                                 "ORDERS", "--subject", "orders.>", "--queue", "orders",
                                 "--directory", orders.files.path(), "--to-nats", "--window",
                                 "100"});
  };
  test::enqueue_all(orders.queue, test::numbers(1, 6000));
  auto first = start();
  test::eventually([&] { return stream.size("ORDERS") > 0; });
  first.kill();
  auto second = start();
  test::eventually([&] { return orders.left() == 0; });
  second.signal(SIGTERM);
  CHECK(second.wait() == 0);
  const auto counts = test::tally(stream.content("ORDERS"));
  CHECK(counts.size() == 6000);
  CHECK(stream.size("ORDERS") <= 6100);
}

TEST_CASE("what a full stream refuses goes again until there is room") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  stream.make_stream("ORDERS", "orders.>", [](jsStreamConfig& config) {
    config.MaxMsgs = 50;
    config.Discard = js_DiscardNew;
  });
  to_orders orders(server.url());
  test::bridging bridge(orders.bridge());
  test::enqueue_all(orders.queue, test::numbers(1, 80));
  test::eventually([&] { return orders.said.count(millrace::nats_event::refused) >= 2; });
  CHECK(stream.content("ORDERS") == test::numbers(1, 50));
  CHECK(orders.left() == 30);
  stream.purge("ORDERS");
  test::eventually([&] { return orders.left() == 0; });
  CHECK(bridge.finish().messages == 80);
  CHECK(test::tally(stream.content("ORDERS")) == test::tally(test::numbers(51, 80)));
}

TEST_CASE("a message too large for the server or the stream ends the bridge, or is left out") {
  const test::nats_process server;
  const test::jetstream stream(server.url());
  std::size_t size = 0;
  SUBCASE("the server") {
    size = 2 << 20;
    stream.make_stream("ORDERS", "orders.>");
  }
  SUBCASE("the stream") {
    size = 5000;
    stream.make_stream("ORDERS", "orders.>",
                       [](jsStreamConfig& config) { config.MaxMsgSize = 4000; });
  }
  to_orders orders(server.url());
  test::enqueue_all(orders.queue, {"before", std::string(size, 'x'), "after"});
  const auto ended = test::error_of([&] { test::bridging(orders.bridge()).wait(); });
  CHECK(ended.code == millrace::errc::invalid_option);
  CHECK(ended.says("too large"));
  CHECK(orders.left() >= 1);
  orders.options.when_oversized = millrace::oversized::skip;
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return orders.left() == 0; });
  const auto result = bridge.finish();
  CHECK(result.skipped == 1);
  CHECK(orders.said.count(millrace::nats_event::skipped) == 1);
  CHECK(test::tally(stream.content("ORDERS")) == test::tally({"before", "after"}));
}

TEST_CASE("the bridge ends with its queue") {
  const test::nats_process server;
  to_orders orders(server.url());
  test::bridging bridge(orders.bridge());
  test::eventually([&] { return orders.said.count(millrace::nats_event::connected) == 1; });
  millrace::remove("orders", orders.files.path());
  CHECK(bridge.wait().ended == millrace::status::removed);
}
