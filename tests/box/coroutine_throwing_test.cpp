// Messages whose move throws, in the hands of coroutines.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using millrace::unlimited;

TEST_CASE("what a move throws reaches the coroutine whose message it was") {
  boost::asio::thread_pool pool(1);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<test::fragile, blocking> box({1});
  auto in = box.new_input();
  CHECK(in.deliver(test::fragile(1, 9)));
  task_group group(on_pool);
  group.spawn(
      [](auto sender) -> task<> { co_await sender.deliver(test::fragile(2, 0)); }(in.on(on_pool)));
  std::this_thread::sleep_for(5ms);
  CHECK(box.receive()->value == 1);
  CHECK_THROWS_AS(group.wait(), std::runtime_error);
  CHECK_FALSE(box.try_receive());  // frees the place that was claimed for it
  CHECK(in.deliver(test::fragile(3, 9)));
  CHECK(box.receive()->value == 3);
}

TEST_CASE("what a move throws reaches its coroutine also where that has let others run first") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<test::fragile, unlimited> box;
  int thrown = 0;
  task_group group(here);
  group.spawn([](auto in, int& count) -> task<> {
    for (int i = 0; i < 1000; ++i) {
      try {
        (void)co_await in.deliver(test::fragile(i, 0));
      } catch (const std::runtime_error&) {
        ++count;
      }
    }
  }(box.new_input().on(here), thrown));
  CHECK_NOTHROW(loop.run());
  CHECK(thrown == 1000);
}

TEST_CASE("a receiver does not fall asleep over room that what threw has left to others") {
  for (int throwing = 0; throwing < 8; ++throwing) {
    test::run_loop loop;
    const scheduler here = loop.executor();
    message_box<test::fragile, blocking> box({1});
    std::optional in(box.new_input());
    CHECK(in->deliver(test::fragile(0, 9)));
    std::vector<int> received;
    int refused = 0;
    task_group group(here);
    for (int i = 1; i <= throwing + 1; ++i) {
      group.spawn([](auto sender, test::fragile m, int& count) -> task<> {
        try {
          const bool delivered = co_await sender.deliver(std::move(m));
          CHECK(delivered);
        } catch (const std::runtime_error&) {
          ++count;
        }
      }(in->on(here), test::fragile(i, i <= throwing ? 1 : 99), refused));
    }
    loop.run();
    group.spawn([](auto inbox, std::vector<int>& to) -> task<> {
      while (const auto m = co_await inbox.receive()) {
        to.push_back(m->value);
      }
    }(box.on(here), received));
    in.reset();
    loop.run();
    CHECK(received == std::vector{0, throwing + 1});
    CHECK(refused == throwing);
    box.close();
    loop.run();
  }
}
