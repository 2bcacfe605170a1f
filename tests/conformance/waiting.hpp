// Calls that wait: until there is something to do, time is up, or a stop is asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>

#include <doctest/doctest.h>

#include "conformance/pair.hpp"
#include "support/bytes.hpp"

namespace conformance {

TEST_CASE_TEMPLATE_DEFINE("a wait for a message ends no earlier than its time", F,
                          wait_for_message) {
  on_every_variant<F, 3>([](F& pair) {
    for (const auto time : {std::chrono::nanoseconds(-1s), std::chrono::nanoseconds(0ns),
                            std::chrono::nanoseconds(1us), std::chrono::nanoseconds(7ms)}) {
      const auto before = clock::now();
      CHECK_FALSE(pair.source().dequeue_for(time));
      CHECK(pair.source().last_status() == status::timeout);
      CHECK(clock::now() - before >= time);
    }
    // There is a message: no time is needed.
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("a")) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("b")) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("c")) == status::ok);
    CHECK(pair.source().dequeue_for(0ns));
    CHECK(pair.source().dequeue_for(-1s));
    CHECK(pair.source().dequeue_for(std::chrono::nanoseconds::max()));
    CHECK(pair.source().last_status() == status::ok);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a wait for room ends no earlier than its time", F, wait_for_room) {
  on_every_variant<F, 3>([](F& pair) {
    CHECK(pair.sink().enqueue_for(test::numbered(0), 0ns, {}) == status::ok);
    CHECK(pair.sink().enqueue_for(test::numbered(1), -1s, {}) == status::ok);
    CHECK(pair.sink().enqueue_for(test::numbered(2), std::chrono::nanoseconds::max(), {}) ==
          status::ok);
    const auto count = 3 + fill(pair, 4, 3);
    for (const auto time : {std::chrono::nanoseconds(-1s), std::chrono::nanoseconds(0ns),
                            std::chrono::nanoseconds(7ms)}) {
      const auto before = clock::now();
      CHECK(pair.sink().enqueue_for(test::as_bytes("late"), time, {}) == status::timeout);
      CHECK(clock::now() - before >= time);
    }
    drain(pair, count);  // nothing of what timed out
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop that was asked for before ends a wait for a message", F,
                          stopped_before_consuming) {
  on_every_variant<F>([](F& pair) {
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(pair.source().dequeue(stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
    CHECK_FALSE(pair.source().dequeue_for(10s, stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop that was asked for before ends a wait for room", F,
                          stopped_before_producing) {
  on_every_variant<F>([](F& pair) {
    std::stop_source stop;
    stop.request_stop();
    const auto count = fill(pair);
    CHECK(pair.sink().enqueue(test::as_bytes("no"), stop.get_token()) == status::cancelled);
    CHECK(pair.sink().enqueue_for(test::as_bytes("no"), 10s, stop.get_token()) ==
          status::cancelled);
    drain(pair, count);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop ends a wait for a message", F, stopped_consumer) {
  on_every_variant<F>([](F& pair) {
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(15ms);
      stop.request_stop();
    });
    CHECK_FALSE(pair.source().dequeue(stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
    // The handle is as good as before.
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("x")) == status::ok);
    CHECK(pair.source().dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop ends a wait for room", F, stopped_producer) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(15ms);
      stop.request_stop();
    });
    CHECK(pair.sink().enqueue_for(test::as_bytes("no"), 1h, stop.get_token()) == status::cancelled);
    drain(pair, count);
    CHECK(pair.sink().enqueue(test::as_bytes("yes"), {}) == status::ok);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a waiting consumer wakes on a message", F, consumer_wakes) {
  on_every_variant<F>([](F& pair) {
    for (const auto pause : {0ms, 5ms}) {  // spinning or asleep by then
      std::jthread producer([&] {
        std::this_thread::sleep_for(pause);
        CHECK(pair.sink().enqueue(test::as_bytes("wake"), {}) == status::ok);
      });
      auto m = pair.source().dequeue();
      REQUIRE(m);
      CHECK(test::as_text(m->bytes()) == "wake");
    }
    // A time so long that adding it to now would overflow is as good as none.
    std::jthread producer([&] {
      std::this_thread::sleep_for(2ms);
      CHECK(pair.sink().enqueue(test::as_bytes("long"), {}) == status::ok);
    });
    CHECK(pair.source().dequeue_for(std::chrono::nanoseconds::max()));
  });
}

TEST_CASE_TEMPLATE_DEFINE("a waiting producer wakes on room", F, producer_wakes) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::jthread producer([&] {
      CHECK(pair.sink().enqueue(test::numbered(count), {}) == status::ok);
      CHECK(pair.sink().enqueue_for(test::numbered(count + 1), 1h, {}) == status::ok);
    });
    std::this_thread::sleep_for(5ms);
    for (std::uint32_t i = 0; i < count + 2; ++i) {
      auto m = pair.source().dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("a producer that waits for much room gets it", F, producer_of_much) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    const auto much = test::pattern(pair.largest(), 5);
    std::jthread producer([&] { CHECK(pair.sink().enqueue(much, {}) == status::ok); });
    for (std::uint32_t i = 0; i < count; ++i) {
      auto m = pair.source().dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
    auto m = pair.source().dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), much));
  });
}

}  // namespace conformance
