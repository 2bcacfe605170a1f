// Coroutines that wait for a link's messages.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/task.hpp>
#include <millrace/link/tcp_link.hpp>

#include "box/run_loop.hpp"
#include "box/running.hpp"
#include "link/peers.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::datagram;
using millrace::link_status;
using millrace::scheduler;
using millrace::status;
using millrace::task;
using millrace::task_group;
using millrace::tcp_link;

namespace {

using pool = boost::asio::thread_pool;

scheduler on(pool& threads) {
  return millrace::asio_executor(threads.get_executor());
}

/// Which numbers arrived, how often.
struct account {
  explicit account(std::uint32_t count) : seen(count) {}
  void add(const datagram& d) {
    ++seen[test::number_of(d.bytes)];
    ++taken;
  }
  void wait_for_all() const {
    test::eventually([this] { return taken == seen.size(); });
    for (const auto& each : seen) {
      REQUIRE(each == 1);
    }
  }

  std::vector<std::atomic<int>> seen;
  std::atomic<std::uint32_t> taken = 0;
};

task<> take_all(tcp_link& link, scheduler where, account& to, std::stop_token stop = {}) {
  while (const auto d = co_await link.async_receive(where, stop)) {
    to.add(*d);
  }
}

task<> take_one(tcp_link& link, scheduler where, std::optional<datagram>& to, bool& ended,
                std::stop_token stop = {}) {
  to = co_await link.async_receive(where, std::move(stop));
  ended = true;
}

test::running take_in(tcp_link& link, scheduler where, std::optional<datagram>& to,
                      std::stop_token stop = {}) {
  to = co_await link.async_receive(std::move(where), std::move(stop));
}

task<> echo(tcp_link& link, scheduler where) {
  while (const auto d = co_await link.async_receive(where)) {
    (void)link.post(d->from, d->bytes);
  }
}

void must_send(tcp_link& from, const tcp_link& to, std::uint32_t number) {
  REQUIRE(from.send_acknowledged(to.address(), test::numbered(number)) == link_status::ok);
}

}  // namespace

TEST_CASE("a coroutine echoes messages in their order") {
  pool threads(2);
  tcp_link here;
  tcp_link there;
  task_group group(on(threads));
  group.spawn(echo(there, on(threads)));
  for (std::uint32_t i = 0; i < 200; ++i) {  // one on the way
    REQUIRE(here.send(there.address(), test::numbered(i)) == link_status::ok);
    datagram d;
    REQUIRE(here.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
    REQUIRE(d.from == there.address());
  }
  for (std::uint32_t i = 0; i < 5000; ++i) {  // many
    REQUIRE(here.post(there.address(), test::numbered(i)) == link_status::ok);
  }
  for (std::uint32_t i = 0; i < 5000; ++i) {
    datagram d;
    REQUIRE(here.receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == i);
  }
  there.close();
  group.wait();
}

TEST_CASE("each of many coroutines and threads that wait gets messages, and none is lost") {
  constexpr std::uint32_t count = 4000;
  for (const int blocked : {0, 2}) {
    INFO(blocked, " threads");
    pool threads(2);
    tcp_link here;
    tcp_link there;
    account arrived(count);
    task_group group(on(threads));
    for (int i = 0; i < 8; ++i) {
      group.spawn(take_all(there, on(threads), arrived));
    }
    std::vector<std::jthread> receivers;
    for (int i = 0; i < blocked; ++i) {
      receivers.emplace_back([&] {
        datagram d;
        while (there.receive(d) == status::ok) {
          arrived.add(d);
        }
      });
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      REQUIRE((i % 100 == 0 ? here.send(there.address(), test::numbered(i))
                            : here.post(there.address(), test::numbered(i))) == link_status::ok);
    }
    arrived.wait_for_all();
    there.close();
    group.wait();
  }
}

TEST_CASE("a coroutine goes on on its scheduler and nowhere else") {
  test::run_loop loop;
  tcp_link here;
  tcp_link there;
  std::optional<datagram> message;
  {
    const auto waiting = take_in(there, loop.executor(), message);
    must_send(here, there, 1);
    CHECK_FALSE(waiting.done());
    loop.run();
    REQUIRE(waiting.done());
    CHECK(test::number_of(message->bytes) == 1);
  }
  {
    const auto waiting = take_in(there, loop.executor(), message);
    there.close();
    CHECK_FALSE(waiting.done());
    loop.run();
    REQUIRE(waiting.done());
    CHECK_FALSE(message);
  }
}

TEST_CASE("a stop ends the wait of those it was asked of, now and beforehand") {
  pool threads(2);
  tcp_link here;
  tcp_link there;
  std::stop_source stop;
  std::optional<datagram> mine;
  std::optional<datagram> other;
  bool mine_ended = false;
  bool other_ended = false;
  task_group stopped(on(threads));
  task_group not_stopped(on(threads));
  stopped.spawn(take_one(there, on(threads), mine, mine_ended, stop.get_token()));
  not_stopped.spawn(take_one(there, on(threads), other, other_ended));
  std::this_thread::sleep_for(15ms);
  stop.request_stop();
  stopped.wait();
  CHECK(mine_ended);
  CHECK_FALSE(mine);
  must_send(here, there, 7);
  not_stopped.wait();
  REQUIRE(other);
  CHECK(test::number_of(other->bytes) == 7);

  must_send(here, there, 8);  // a stop comes before a message
  stopped.spawn(take_one(there, on(threads), mine, mine_ended, stop.get_token()));
  stopped.wait();
  CHECK_FALSE(mine);
  datagram d;
  CHECK(there.try_receive(d) == status::ok);
}

TEST_CASE("closing ends the waits of all coroutines, and those that come later") {
  pool threads(2);
  tcp_link link;
  account nothing(1);
  task_group group(on(threads));
  for (int i = 0; i < 100; ++i) {
    group.spawn(take_all(link, on(threads), nothing));
  }
  std::this_thread::sleep_for(15ms);
  link.close();
  group.wait();
  group.spawn(take_all(link, on(threads), nothing));
  group.wait();
  CHECK(nothing.taken == 0);
}

TEST_CASE("a coroutine that waits may outlast the link") {
  test::run_loop loop;
  std::optional<datagram> message;
  std::optional<tcp_link> link(std::in_place);
  const auto goes_on = take_in(*link, loop.executor(), message);
  {
    const auto destroyed = take_in(*link, loop.executor(), message);
    link.reset();
  }
  loop.run();
  CHECK(goes_on.done());
  CHECK_FALSE(message);
}

TEST_CASE("coroutines destroyed while they wait take no message with them") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  tcp_link from;
  tcp_link to;
  std::optional<datagram> taken;
  for (std::uint32_t round = 0; round < 60; ++round) {
    std::optional<datagram> next_one;
    const bool called_up = round % 3 == 0;  // it is destroyed after that, and before it goes on
    {
      const auto destroyed = take_in(to, here, taken);
      if (called_up) {
        must_send(from, to, round);
      }
    }
    if (!called_up) {
      must_send(from, to, round);
    }
    loop.run();  // must not touch what is gone
    REQUIRE_FALSE(taken);
    datagram d;
    REQUIRE(to.try_receive(d) == status::ok);
    REQUIRE(test::number_of(d.bytes) == round);
  }
}

TEST_CASE("who is destroyed or stopped after it was called up calls up the next") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  tcp_link from;
  tcp_link to;
  for (std::uint32_t round = 0; round < 20; ++round) {
    std::optional<datagram> taken;
    std::stop_source stop;
    auto first = std::make_unique<test::running>(take_in(to, here, taken, stop.get_token()));
    std::optional<datagram> message;
    const auto next = take_in(to, here, message);
    must_send(from, to, round);
    if (round % 2 == 0) {
      first.reset();
    } else {
      stop.request_stop();
    }
    loop.run();
    REQUIRE(next.done());
    REQUIRE_FALSE(taken);
    REQUIRE(test::number_of(message->bytes) == round);
  }
}

TEST_CASE("who is stopped after it was called up calls up the next") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  tcp_link from;
  tcp_link to;
  for (std::uint32_t round = 0; round < 100; ++round) {
    std::stop_source stop;
    std::optional<datagram> taken;
    const auto stopped = take_in(to, here, taken, stop.get_token());
    std::optional<datagram> message;
    const auto next = take_in(to, here, message);
    must_send(from, to, round);
    stop.request_stop();
    test::eventually([&] {
      loop.run();
      return stopped.done() && next.done();
    });
    REQUIRE_FALSE(taken);
    REQUIRE(test::number_of(message->bytes) == round);
  }
}

TEST_CASE("coroutines that end in the middle of traffic lose nothing") {
  constexpr std::uint32_t count = 3000;
  pool threads(2);
  test::run_loop loop;
  tcp_link from;
  tcp_link to;
  account arrived(count);
  std::jthread sender([&] {
    for (std::uint32_t i = 0; i < count; ++i) {
      REQUIRE(from.send(to.address(), test::numbered(i)) == link_status::ok);
    }
  });
  {
    task_group group(on(threads));
    group.spawn(take_all(to, on(threads), arrived));
    while (arrived.taken < count / 2) {
      std::stop_source stop;
      group.spawn(take_all(to, on(threads), arrived, stop.get_token()));
      std::optional<datagram> taken;
      {
        const auto destroyed = take_in(to, loop.executor(), taken);
        std::this_thread::yield();
      }
      if (taken) {  // it found one at once
        arrived.add(*taken);
      }
      stop.request_stop();
    }
    arrived.wait_for_all();
    to.close();
    group.wait();
  }
  loop.run();
}

TEST_CASE("one thread runs the links, and the coroutines that wait for them") {
  boost::asio::io_context context;
  const scheduler here = millrace::asio_executor(context.get_executor());
  tcp_link client(context, {.address = ""});
  tcp_link server(context, {});
  task_group group(here);
  group.spawn(echo(server, here));
  std::uint32_t answers = 0;
  group.spawn([](tcp_link& link, tcp_link& to, scheduler where, std::uint32_t& got) -> task<> {
    for (std::uint32_t i = 0; i < 50; ++i) {
      REQUIRE(link.post(to.address(), test::numbered(i)) == link_status::ok);
      const auto d = co_await link.async_receive(where);
      REQUIRE(d);
      REQUIRE(test::number_of(d->bytes) == i);
      ++got;
    }
    to.close();
  }(client, server, here, answers));
  while (answers < 50) {
    context.run_one();
  }
  client.close();
  context.run();
  group.wait();
}

TEST_CASE("a coroutine that finds message after message lets others run") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  tcp_link from;
  tcp_link to;
  constexpr std::uint32_t count = 2000;
  for (std::uint32_t i = 0; i < count; ++i) {
    must_send(from, to, i);
  }
  account arrived(count);
  std::uint32_t seen_by_the_other = 0;
  task_group group(here);
  group.spawn(take_all(to, here, arrived));
  group.spawn([](scheduler where, account& a, std::uint32_t& seen) -> task<> {
    co_await where.yield();
    seen = a.taken;
  }(here, arrived, seen_by_the_other));
  loop.run();
  CHECK(arrived.taken == count);
  CHECK(seen_by_the_other < count);
  to.close();
  loop.run();
}
