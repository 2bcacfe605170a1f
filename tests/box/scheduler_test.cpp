// Schedulers and tasks by themselves.
#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/run_loop.hpp"

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

TEST_CASE("what is ready goes on elsewhere while the coroutine before it takes long") {
  for (int round = 0; round < 200; ++round) {
    boost::asio::thread_pool pool(3);
    const scheduler on_pool = millrace::asio_executor(pool.get_executor());
    task_group group(on_pool);
    std::atomic<int> done = 0;
    // Each waits, with its thread, for the ones that are ready behind it.
    const auto wait_for = [](std::atomic<int>& count, int others) -> task<> {
      while (count < others) {
        std::this_thread::yield();
      }
      ++count;
      co_return;
    };
    const auto first = [&](bool from_here) -> task<> {
      if (from_here) {
        group.spawn(wait_for(done, 1));
        group.spawn(wait_for(done, 0));
      }
      while (done < 2) {
        std::this_thread::yield();
      }
      co_return;
    };
    const bool by_the_first = round % 2 == 0;
    group.spawn(first(by_the_first));
    if (!by_the_first) {
      group.spawn(wait_for(done, 1));
      group.spawn(wait_for(done, 0));
    }
    group.wait();
    CHECK(done == 2);
  }
}

TEST_CASE(
    "coroutines go on in the order in which they became ready, who yields behind all others") {
  test::run_loop loop;
  const scheduler on_loop = loop.executor();
  task_group group(on_loop);
  std::vector<int> order;
  constexpr int tasks = 600;  // more than one job goes on with
  const auto note = [](std::vector<int>& to, int n) -> task<> {
    to.push_back(n);
    co_return;
  };
  const auto note_and_yield = [&](int n) -> task<> {
    order.push_back(n);
    if (n == 0) {  // another thread makes one more ready
      std::jthread([&] { group.spawn(note(order, tasks)); });
    }
    co_await on_loop.yield();
    order.push_back(tasks + 1 + n);
  };
  for (int n = 0; n < tasks; ++n) {
    group.spawn(note_and_yield(n));
  }
  loop.run();
  group.wait();
  REQUIRE(order.size() == 2 * tasks + 1);
  for (int i = 0; i <= 2 * tasks; ++i) {
    REQUIRE(order[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE("nothing that many threads make ready is lost, however often all fall asleep") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  constexpr int rounds = 1000;
  constexpr int threads = 3;
  std::atomic<int> done = 0;
  std::barrier together(threads);
  std::vector<std::jthread> feeders;
  for (int t = 0; t < threads; ++t) {
    feeders.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        together.arrive_and_wait();
        task_group group(on_pool);
        group.spawn([](const scheduler& where, std::atomic<int>& count) -> task<> {
          co_await where.yield();
          ++count;
        }(on_pool, done));
        group.wait();
      }
    });
  }
  feeders.clear();
  CHECK(done == rounds * threads);
}

TEST_CASE("where the executor refuses a job to help, the one that there is does all") {
  struct executor {
    test::run_loop::executor_type to;
    int* refusals;
    void post(std::function<void()> f) const {
      if (*refusals > 0) {
        --*refusals;
        throw std::runtime_error("no thread");
      }
      to.post(std::move(f));
    }
  };
  constexpr int tasks = 1000;  // more than a job goes on with before it makes room for another
  for (const int refused : {1, 100, 10'000}) {
    test::run_loop loop;
    int refusals = 0;
    int done = 0;
    task_group group(executor{loop.executor(), &refusals});
    const auto work = [](int& count) -> task<> {
      ++count;
      co_return;
    };
    for (int i = 0; i < tasks; ++i) {
      group.spawn(work(done));
    }
    refusals = refused;
    REQUIRE_NOTHROW(loop.run());
    CHECK(done == tasks);
    refusals = 0;
    group.spawn(work(done));
    loop.run();
    CHECK(done == tasks + 1);
  }
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
