// How the waits of coroutines end other than by what they wait for.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/coroutines.hpp"
#include "box/run_loop.hpp"
#include "box/running.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using millrace::waiting;
using test::deliver_once;
using test::receive_once;
using steady = std::chrono::steady_clock;

TEST_CASE("a wait of a coroutine ends no earlier than its time, and hands the message back") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<std::unique_ptr<int>, waiting> box(
      {.limit = 1, .deliver_within = 20ms, .receive_within = 10ms});
  auto in = box.new_input();
  const auto spent = [&](auto work) {
    const auto before = steady::now();
    millrace::sync_wait(on_pool, work());
    return steady::now() - before;
  };
  CHECK(spent([&]() -> task<> { CHECK_FALSE(co_await box.on(on_pool).receive()); }) >= 10ms);
  CHECK(in.deliver(std::make_unique<int>(1)));
  CHECK(spent([&]() -> task<> {
          auto m = std::make_unique<int>(2);
          const auto sender = in.on(on_pool);
          CHECK_FALSE(co_await sender.deliver(std::move(m)));
          REQUIRE(m);
          CHECK(*m == 2);
          CHECK_FALSE(co_await sender.deliver_for(std::move(m), 1ms));
          CHECK_FALSE(co_await sender.deliver_for(std::move(m), 0ms));
          CHECK(*m == 2);
        }) >= 21ms);
  CHECK(**box.receive() == 1);
  CHECK_FALSE(box.try_receive());
  // Several, each with a time of its own; then one that is served in time.
  CHECK(in.deliver(std::make_unique<int>(3)));
  std::atomic<int> failed = 0;
  {
    task_group group(on_pool);
    for (const auto time : {30ms, 5ms, 15ms}) {
      group.spawn([](auto sender, auto t, std::atomic<int>& count) -> task<> {
        const auto before = steady::now();
        auto m = std::make_unique<int>(4);
        count += co_await sender.deliver_for(std::move(m), t) ? 0 : 1;
        CHECK(steady::now() - before >= t);
      }(in.on(on_pool), time, failed));
    }
    group.wait();
    CHECK(failed == 3);
    group.spawn([](auto sender) -> task<> {
      CHECK(co_await sender.deliver_for(std::make_unique<int>(5), 1h));
    }(in.on(on_pool)));
    std::this_thread::sleep_for(5ms);
    CHECK(**box.receive() == 3);
    group.wait();
  }
  CHECK(**box.receive() == 5);
}

TEST_CASE("a stop ends the waits of coroutines") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  for (const auto pause : {0ms, 0ms, 5ms}) {
    std::stop_source stop;
    std::optional<bool> answer;
    std::optional<int> message;
    bool ended = false;
    {
      task_group group(on_pool);
      group.spawn(receive_once(box.on(on_pool), message, ended, stop.get_token()));
      std::this_thread::sleep_for(pause);
      stop.request_stop();
    }
    CHECK(ended);
    CHECK_FALSE(message);
    CHECK(in.deliver(1));
    stop = {};
    {
      task_group group(on_pool);
      group.spawn(deliver_once(in.on(on_pool), 2, answer, stop.get_token()));
      std::this_thread::sleep_for(pause);
      stop.request_stop();
    }
    CHECK(answer == false);
    CHECK(box.try_receive() == 1);
    CHECK_FALSE(box.try_receive());
  }
}

TEST_CASE("close and the last input's going end the waits of coroutines") {
  for (const bool close : {true, false}) {
    test::run_loop loop;
    const scheduler here = loop.executor();
    message_box<int, blocking> box({1});
    std::optional in(box.new_input());
    std::optional<int> message;
    bool ended = false;
    task_group group(here);
    group.spawn(receive_once(box.on(here), message, ended));
    loop.run();
    CHECK_FALSE(ended);
    if (close) {
      box.close();
    }
    in.reset();
    loop.run();
    CHECK(ended);
    CHECK_FALSE(message);
  }
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  CHECK(in.deliver(1));
  std::optional<bool> answer;
  task_group group(here);
  group.spawn(deliver_once(in.on(here), 2, answer));
  loop.run();
  CHECK_FALSE(answer);
  box.close();
  loop.run();
  CHECK(answer == false);
}

namespace {
message_box<int, blocking> outlives_main({1});
}  // namespace

TEST_CASE("a box that outlives main may have been waited for with a time-out") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  auto in = outlives_main.new_input();
  const auto wait = [](auto inbox) -> test::running { (void)co_await inbox.receive_after(1h); };
  { const test::running waiting_now = wait(outlives_main.on(here)); }
  CHECK_FALSE(outlives_main.try_receive());
}
