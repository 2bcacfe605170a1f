// Servers and clients that are killed: what becomes of calls, and what is left behind.
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/inspect.hpp>

#include "calculator.hpp"
#include "os/lease.hpp"
#include "queue/layout.hpp"
#include "queue/segment.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using namespace calculator;
using millrace::command_errc;
using millrace::delivery;
using millrace::reply_box;
using test::child;
using test::expect;
using test::gate;

namespace {

millrace::service_options service_in(const test::scratch& scratch, delivery guarantee) {
  auto options = calculator::service_in(scratch);
  options.guarantee = guarantee;
  return options;
}

/// Options of a client's queue.
millrace::queue_options reply_queue_in(const test::scratch& scratch) {
  auto options = scratch.options(16 * 64, 64);
  options.life = millrace::lifetime::transient;
  options.publishers = millrace::role::exclusive;
  options.subscribers = millrace::role::exclusive;
  return options;
}

template <class Handler>
child server_process(const millrace::service_options& options, Handler handler) {
  return child::run([&] {
    service desk("desk", options);
    desk.serve(handler);
    return 0;
  });
}

/// Takes additions in hand, says so, and never answers.
auto keeper(const gate& kept) {
  return clerk_but(
      [&kept, boxes = std::vector<reply_box<int>>()](add&&, reply_box<int> reply) mutable {
        boxes.push_back(std::move(reply));
        kept.open();
      });
}

TEST_CASE("death: callers of a killed server get closed if calls are not delivered again") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_most_once);
  const gate kept;
  auto server = server_process(options, keeper(kept));
  client desk("desk", client_in(scratch));
  auto later = call_async(desk, add{1, 2});
  kept.await();
  server.kill();
  CHECK(later.wait_for(long_time));
  const auto error = later.try_take()->error();
  CHECK(error.code == command_errc::closed);
  CHECK(error.id == later.id());

  // Also in the thread that calls, and while there is no server.
  server = server_process(options, keeper(kept));
  std::jthread killer([&] {
    kept.await();
    server.kill();
  });
  CHECK(call(desk, add{1, 2}, long_time).error().code == command_errc::closed);
  killer.join();
  CHECK(call(desk, recall{}, long_time).error().code == command_errc::closed);

  server = server_process(options, clerk());
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
}

TEST_CASE("death: a server's next one closes the calls of the dead one at once, not its own") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_most_once);
  const gate kept;
  auto server = server_process(options, keeper(kept));
  client desk("desk", client_in(scratch));
  CHECK(call(desk, recall{}, long_time).value() == 0);
  // Nobody listens while the one dies and the other comes; the call is the other's.
  server.kill();
  server = server_process(options, clerk());
  test::eventually([&] {
    const auto all = millrace::stat("desk", scratch.path()).participants;
    return std::count_if(all.begin(), all.end(),
                         [](const auto& p) { return p.alive && !p.publishes; }) == 1;
  });
  std::this_thread::sleep_for(20ms);
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
}

TEST_CASE("death: calls that a killed server had in hand are answered by the next, in full") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_least_once);
  const gate kept;
  auto server = server_process(options, keeper(kept));
  client desk("desk", client_in(scratch));
  std::vector<millrace::async_reply<int>> replies;
  for (int i = 0; i < 20; ++i) {
    replies.push_back(call_async(desk, add{i, 1}));
  }
  for (int i = 0; i < 20; ++i) {
    kept.await();
  }
  server.freeze();  // what comes now waits in the queue
  for (int i = 20; i < 40; ++i) {
    replies.push_back(call_async(desk, add{i, 1}));
  }
  server.kill();
  std::this_thread::sleep_for(150ms);  // longer than it takes to notice
  int redelivered = 0;
  service next("desk", options);
  clerk serving;
  for (int i = 0; i < 40; ++i) {
    auto message = next.receive_after(long_time);
    REQUIRE(message);
    redelivered += next.redelivered() ? 1 : 0;
    handle(std::move(*message), serving);
  }
  CHECK(redelivered == 20);
  for (int i = 0; i < 40; ++i) {
    auto& reply = replies[static_cast<std::size_t>(i)];
    CHECK(reply.wait_for(long_time));
    CHECK(reply.try_take()->value() == i + 1);
  }
}

TEST_CASE("death: a cast that a killed server was handling comes again, one that was handled not") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_least_once);
  const gate handling;
  auto server = child::run([&] {
    service desk("desk", options);
    desk.serve(clerk_but([&handling](store&& s) {
      if (s.value == 2) {
        handling.open();
        const gate never;
        never.await();
      }
    }));
    return 0;
  });
  client desk("desk", client_in(scratch));
  for (int i = 1; i <= 3; ++i) {
    CHECK(cast(desk, store{i}));
  }
  handling.await();
  server.kill();
  std::vector<int> values;
  service next("desk", options);
  auto handler = clerk_but([&](store&& s) { values.push_back(s.value); });
  while (values.size() < 2) {
    auto message = next.receive_after(long_time);
    REQUIRE(message);
    handle(std::move(*message), handler);
  }
  CHECK(values == std::vector<int>{2, 3});
  CHECK_FALSE(next.receive_after(1ms));
}

TEST_CASE("death: callers of a server that leaves get closed, or are answered by the next") {
  for (const auto guarantee : {delivery::at_most_once, delivery::at_least_once}) {
    const test::scratch scratch;
    const auto options = service_in(scratch, guarantee);
    const gate left;
    const gate end;
    auto server = child::run([&] {
      service desk("desk", options);
      std::optional<reply_box<int>> box;
      auto handler = clerk_but([&](add&&, reply_box<int> reply) { box.emplace(std::move(reply)); });
      while (!box) {
        if (auto m = desk.receive()) {
          handle(std::move(*m), handler);
        }
      }
      { service gone(std::move(desk)); }
      left.open();
      end.await();
      return 0;
    });
    client desk("desk", client_in(scratch));
    auto later = call_async(desk, add{1, 2});
    left.await();
    if (guarantee == delivery::at_most_once) {
      CHECK(later.wait_for(long_time));
      CHECK(later.try_take()->error().code == command_errc::closed);
    } else {
      const auto next = server_process(options, clerk());
      CHECK(later.wait_for(long_time));
      CHECK(later.try_take()->value() == 3);
    }
    end.open();
    CHECK(server.wait() == 0);
  }
}

TEST_CASE("death: a killed client's queue goes, its replies are dropped, the others go on") {
  const test::scratch scratch;
  const gate calling;
  const gate kept;
  auto server = child::run([&] {
    service desk("desk", service_in(scratch, delivery::at_least_once));
    std::optional<reply_box<int>> box;
    auto handler = clerk_but([&](add&& a, reply_box<int> reply) {
      if (a.b == 0) {  // the victim's, answered when it is dead
        box.emplace(std::move(reply));
        kept.open();
      } else {
        if (box) {
          (void)reply_to(*box, 0);
        }
        (void)reply_to(reply, a.a + a.b);
      }
    });
    desk.serve(handler);
    return 0;
  });
  client desk("desk", client_in(scratch));
  auto victim = child::run([&] {
    client there("desk", client_in(scratch));
    return call(there, add{1, 0}, long_time) ? 1 : 2;
  });
  kept.await();
  CHECK(scratch.entries().size() == 3);
  victim.kill();
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  test::eventually([&] { return scratch.entries().size() == 2; });
  CHECK(call(desk, add{3, 4}, long_time).value() == 7);
  server.kill();
}

TEST_CASE("death: the queue of a client killed before its server heard of it goes") {
  const test::scratch scratch;
  const gate made;
  const auto server = server_process(service_in(scratch, delivery::at_least_once), clerk());
  const client witness("desk", client_in(scratch));  // the server is there
  auto victim = child::run([&] {
    const auto options = reply_queue_in(scratch);
    const millrace::subscriber replies("desk.reply.0000000000000001", options);
    made.open();
    const gate never;
    never.await();
    return 0;
  });
  made.await();
  CHECK(scratch.entries().size() == 3);
  victim.kill();
  test::eventually([&] { return scratch.entries().size() == 2; });
}

TEST_CASE("death: queues of dead clients that another process is attached to hold up no call") {
  test::allow(60);
  const test::scratch scratch;
  const auto server = server_process(service_in(scratch, delivery::at_least_once), clerk());
  client desk("desk", client_in(scratch));
  const auto options = reply_queue_in(scratch);
  std::vector<millrace::publisher> held;
  for (int i = 0; i < 100; ++i) {  // who waits a second for each takes longer than this test may
    const auto name = fmt::format("{:016x}", i + 1);
    held.emplace_back(name, options);  // under another name, or the server might be quicker
    std::filesystem::rename(scratch.path() / name, scratch.path() / ("desk.reply." + name));
  }
  const auto end = std::chrono::steady_clock::now() + 1s;  // the server looks around meanwhile
  for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
    REQUIRE(call(desk, add{i, 1}, long_time).value() == i + 1);
  }
}

TEST_CASE("death: clients frozen in the middle of leaving hold up no call") {
  test::allow(60);
  const test::scratch scratch;
  const auto server = server_process(service_in(scratch, delivery::at_least_once), clerk());
  client desk("desk", client_in(scratch));
  // Each has marked its queue as removed, and frozen as it was taking the name away.
  struct leaving {
    millrace::subscriber replies;
    std::unique_ptr<millrace::os::lease_file> locks;
  };
  const auto frozen = test::someone_who([&] {
    const auto options = reply_queue_in(scratch);
    std::vector<leaving> all;
    for (int i = 0; i < 50; ++i) {  // who waits seconds for each takes longer than this test may
      const auto name = fmt::format("desk.reply.{:016x}", i + 1);
      millrace::subscriber replies(name, options);
      const auto path = scratch.path() / name;
      const auto file = millrace::os::file::open(path, millrace::os::access::read_write, false);
      auto locks = millrace::os::lease_file::open(path, file->id());
      expect(locks->try_lock(millrace::detail::lease_byte::unlinking));
      announce_removal(*millrace::detail::segment::attach(*file, millrace::os::access::read_write));
      all.push_back({std::move(replies), std::move(locks)});
    }
    return all;
  });
  frozen.freeze();
  const auto end = std::chrono::steady_clock::now() + 1s;  // the server looks around meanwhile
  for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
    REQUIRE(call(desk, add{i, 1}, long_time).value() == i + 1);
  }
  CHECK(scratch.entries().size() == 52);
}

TEST_CASE("death: what is left of a client and a server that died together goes with the next") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_least_once);
  const gate kept;
  auto server = server_process(options, keeper(kept));
  auto victim = child::run([&] {
    client there("desk", client_in(scratch));
    return call(there, add{1, 0}, long_time) ? 1 : 2;
  });
  kept.await();
  server.kill();
  victim.kill();
  CHECK(scratch.entries().size() == 2);
  service next("desk", options);
  CHECK(scratch.entries() == std::vector<std::string>{"desk"});
  handle(std::move(*next.receive_after(long_time)), clerk());  // nobody waits for the reply
  CHECK_FALSE(next.receive_after(1ms));
}

TEST_CASE("death: many clients at once are answered each its own, and some are killed meanwhile") {
  const test::scratch scratch;
  auto server = server_process(service_in(scratch, delivery::at_least_once), clerk());
  constexpr int number = 6;
  constexpr int calls = 300;
  std::vector<child> clients;
  std::vector<child> victims;
  for (int c = 0; c < number; ++c) {
    clients.push_back(child::run([&] {
      client desk("desk", client_in(scratch));
      for (int i = 0; i < calls; ++i) {
        expect(call(desk, add{c, i}, long_time).value() == c + i);
      }
      return 0;
    }));
    victims.push_back(child::run([&] {
      client desk("desk", client_in(scratch));
      for (int i = 0;; ++i) {
        expect(cast(desk, store{i}));
        expect(call(desk, add{c, i}, long_time).value() == c + i);
      }
      return 0;
    }));
  }
  std::mt19937_64 random(1);
  for (auto& victim : victims) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    victim.kill();
  }
  for (auto& c : clients) {
    CHECK(c.wait() == 0);
  }
  test::eventually([&] { return scratch.entries() == std::vector<std::string>{"desk"}; });
  server.kill();
}

TEST_CASE("death: calls sent while there was no server are closed when the one that came dies") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_most_once);
  const gate kept;
  auto server = server_process(options, clerk());
  client desk("desk", client_in(scratch));
  server.kill();
  CHECK(call(desk, add{1, 2}, long_time).error().code == command_errc::closed);
  auto later = call_async(desk, add{3, 4});  // it is known by now that there is none
  server = server_process(options, keeper(kept));
  kept.await();  // the one before
  kept.await();
  const auto next = child::run([&] {  // at once when the other one dies
    for (;;) {
      try {
        service there("desk", options);
        there.serve(clerk());
        return 0;
      } catch (const millrace::error& problem) {
        expect(problem.code() == millrace::errc::role_taken);
        std::this_thread::sleep_for(1ms);
      }
    }
  });
  server.kill();
  CHECK(later.wait_for(long_time));
  CHECK(later.try_take()->error().code == command_errc::closed);
}

TEST_CASE("death: a forked child that drops its copy of a client takes nothing from its parent") {
  const test::scratch scratch;
  auto server = server_process(service_in(scratch, delivery::at_least_once), clerk());
  std::optional<client> desk(std::in_place, "desk", client_in(scratch));
  auto first = call_async(*desk, add{1, 2});  // starts the listener, which no child has
  CHECK(first.wait_for(long_time));
  auto forked = child::run([&] {
    desk.reset();
    return 0;
  });
  CHECK(forked.wait() == 0);
  CHECK(call(*desk, add{3, 4}, long_time).value() == 7);
}

/// Takes its time, so that there is somebody to be killed over a call.
auto slow_clerk() {
  return clerk_but([](add&& a, reply_box<int> reply) {
    std::this_thread::sleep_for(20us);
    return reply_to(reply, a.a + a.b);
  });
}

/// Ten, one after the other, each at a time by chance.
void kill_servers(const millrace::service_options& options) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10; ++i) {
    auto server = server_process(options, slow_clerk());
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    server.kill();
  }
}

TEST_CASE("death: servers killed again and again: each call is answered once, and rightly") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_least_once);
  auto caller = child::run([&] {
    client desk("desk", client_in(scratch));
    for (int i = 0; i < 3000; ++i) {
      expect(call(desk, add{i, 1}, long_time).value() == i + 1);
    }
    return 0;
  });
  auto asynchronous = child::run([&] {
    client desk("desk", client_in(scratch));
    for (int i = 0; i < 100; ++i) {
      std::vector<millrace::async_reply<int>> replies;
      for (int k = 0; k < 20; ++k) {
        replies.push_back(call_async(desk, add{i, k}));
      }
      for (int k = 0; k < 20; ++k) {
        auto& reply = replies[static_cast<std::size_t>(k)];
        expect(reply.wait_for(long_time));
        expect(reply.try_take()->value() == i + k);
      }
    }
    return 0;
  });
  kill_servers(options);
  auto server = server_process(options, clerk());
  CHECK(caller.wait() == 0);
  CHECK(asynchronous.wait() == 0);
}

TEST_CASE("death: callers of servers killed again and again get their reply or closed") {
  const test::scratch scratch;
  const auto options = service_in(scratch, delivery::at_most_once);
  auto caller = child::run([&] {
    client desk("desk", client_in(scratch));
    int answered = 0;
    for (int i = 0; i < 1000 || answered == 0; ++i) {
      const auto reply = call(desk, add{i, 1}, long_time);
      expect(reply ? *reply == i + 1 : reply.error().code == command_errc::closed);
      answered += reply ? 1 : 0;
    }
    return 0;
  });
  kill_servers(options);
  auto server = server_process(options, clerk());
  CHECK(caller.wait() == 0);
}

}  // namespace
