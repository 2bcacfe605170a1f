// Schedulers and tasks by themselves.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using millrace::unlimited;

TEST_CASE("a coroutine does not go on before whoever woke it has done with the executor") {
  struct jobs {
    message_box<std::function<void()>> box;
    std::function<void()> at_post;
  };
  struct executor {
    std::shared_ptr<jobs> to;
    millrace::input<std::function<void()>, unlimited> in;
    void post(std::function<void()> f) {
      CHECK(in.deliver(std::move(f)));
      if (to->at_post) {
        to->at_post();
      }
    }
  };
  const auto work = std::make_shared<jobs>();
  auto keeps_open = std::make_optional(work->box.new_input());
  std::atomic<int> done = 0;
  std::jthread worker([&] {
    for (auto& job : work->box) {
      job();
      ++done;
    }
  });
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  std::atomic<bool> works = false;
  std::atomic<bool> released = false;
  std::atomic<bool> went_on = false;
  {
    const scheduler there = executor{work, work->box.new_input()};
    task_group group(there);
    group.spawn([](auto inbox, std::atomic<bool>& ended) -> task<> {
      (void)co_await inbox.receive();
      ended = true;
    }(box.on(there), went_on));
    while (done == 0) {  // it is asleep then, and nothing is posted
      std::this_thread::yield();
    }
    group.spawn([](std::atomic<bool>& busy, std::atomic<bool>& free) -> task<> {
      busy = true;
      while (!free) {
        std::this_thread::yield();
      }
      co_return;
    }(works, released));
    while (!works) {
      std::this_thread::yield();
    }
    work->at_post = [&] {
      released = true;
      std::this_thread::sleep_for(20ms);
      CHECK_FALSE(went_on);
    };
    CHECK(in.deliver(1));
    work->at_post = nullptr;
    group.wait();
  }
  CHECK(went_on);
  keeps_open.reset();
}

TEST_CASE("tasks give values and exceptions to whoever waits for them") {
  boost::asio::thread_pool pool(1);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  const auto number = [](int n) -> task<int> {
    if (n < 0) {
      throw std::out_of_range("negative");
    }
    co_return n;
  };
  const auto sum = [&](int a, int b) -> task<std::string> {
    co_return std::to_string(co_await number(a) + co_await number(b));
  };
  CHECK(millrace::sync_wait(on_pool, sum(1, 2)) == "3");
  CHECK_THROWS_AS(millrace::sync_wait(on_pool, sum(1, -2)), std::out_of_range);
}
