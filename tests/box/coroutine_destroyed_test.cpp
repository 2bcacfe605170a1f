// Coroutines that go while they wait, or while others serve them.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/coroutines.hpp"
#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "box/running.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using test::numbered_message;
using test::receive_once;

TEST_CASE("ten thousand senders destroyed while they wait take nothing with them") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<test::counted, blocking> box({2});
  auto in = box.new_input();
  int delivered = 0;
  int received = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<test::running> waiting_now;
    const auto send = [](auto sender, int& count) -> test::running {
      if (co_await sender.deliver(test::counted(1))) {
        ++count;
      }
    };
    for (int i = 0; i < 100; ++i) {
      waiting_now.push_back(send(in.on(here), delivered));
    }
    // Some are served, of which a few have gone on by now and others are about to.
    for (int i = 0; i < round % 7; ++i) {
      received += box.try_receive() ? 1 : 0;
      if (i == 3) {
        loop.run();
      }
    }
    waiting_now.clear();
    loop.run();  // must not touch those who are gone
  }
  while (const auto m = box.try_receive()) {
    CHECK(m->value == 1);
    ++received;
  }
  CHECK(received >= delivered);
  CHECK(test::counted::alive == 0);
  CHECK(in.try_deliver(test::counted(2)));
  CHECK(box.try_receive()->value == 2);
}

TEST_CASE("senders destroyed while another thread receives take nothing of the others' with them") {
  using owned = std::unique_ptr<numbered_message>;
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<owned, blocking> box({2});
  std::uint32_t others = 0;
  // The receiver would end with the last input, also before there is the first one.
  auto open = std::make_unique<millrace::input<owned, blocking>>(box.new_input());
  std::jthread receiver([&] {
    std::uint32_t next = 0;
    while (const auto m = box.receive()) {
      REQUIRE((*m != nullptr));
      if ((*m)->sender == 0) {
        REQUIRE((*m)->number == next++);
      } else {
        ++others;
      }
    }
    CHECK(next == 10'000);
  });
  std::uint32_t delivered = 0;
  {
    std::jthread survivor([in = box.new_input()]() mutable {
      for (std::uint32_t i = 0; i < 10'000; ++i) {
        REQUIRE(in.deliver(std::make_unique<numbered_message>(numbered_message{0, i})));
      }
    });
    const auto in = box.new_input().on(here);
    const auto send = [](const auto& sender, std::uint32_t& count) -> test::running {
      owned m = std::make_unique<numbered_message>(numbered_message{1, 0});
      if (co_await sender.deliver(std::move(m))) {
        ++count;
      }
    };
    for (int round = 0; round < 2'000; ++round) {
      std::vector<test::running> waiting_now;
      for (int i = 0; i < 5; ++i) {
        waiting_now.push_back(send(in, delivered));
      }
      if (round % 3 == 0) {
        loop.run();
      }
    }
    loop.run();
  }
  open.reset();
  receiver.join();
  CHECK(others >= delivered);
  CHECK(others <= 10'000);
}

TEST_CASE("a receiver destroyed while it waits leaves the box to the next one") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<int, blocking> box({2});
  auto in = box.new_input();
  for (int round = 0; round < 10'000; ++round) {
    std::optional<int> message;
    bool ended = false;
    {
      task<> t = receive_once(box.on(here), message, ended);
      const test::running s = [](task<>& inner) -> test::running { co_await inner; }(t);
      if (round % 2 == 0) {
        REQUIRE(in.deliver(int(round)));  // it was woken, and is destroyed before it goes on
      }
    }
    loop.run();
    CHECK_FALSE(ended);
    if (round % 2 == 0) {
      REQUIRE(box.try_receive() == round);
    } else {
      REQUIRE_FALSE(box.try_receive());
    }
  }
}

TEST_CASE("senders that end in the middle of a race are each served or not, and all is counted") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  for (int round = 0; round < 200; ++round) {
    message_box<int, blocking> box({1 + static_cast<std::size_t>(round) % 4});
    std::atomic<int> accepted = 0;
    int received = 0;
    std::stop_source stop;
    {
      task_group group(on_pool);
      for (int s = 0; s < 5; ++s) {
        group.spawn(
            [](auto in, std::atomic<int>& count, std::stop_token token, int which) -> task<> {
              for (int i = 0; i < 50; ++i) {
                const bool ok = which % 2 == 0 ? co_await in.deliver(int(i), token)
                                               : co_await in.deliver_for(int(i), 10us);
                count += ok ? 1 : 0;
              }
            }(box.new_input().on(on_pool), accepted, stop.get_token(), s));
      }
      while (received < round && box.receive()) {
        ++received;
      }
      if (round % 2 == 0) {
        stop.request_stop();
      } else {
        box.close();
      }
      group.wait();
    }
    while (box.receive()) {
      ++received;
    }
    REQUIRE(received == accepted);
  }
}
