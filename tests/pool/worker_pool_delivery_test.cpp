// Messages that a worker pool cannot deliver, or not at once; workers and inputs that outlast
// others.
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "pool/worker_pools.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("a worker to which nothing can be delivered is cancelled and forgotten") {
  with_both_kinds(non_blocking{1}, [](auto& pool, auto& reports) {
    std::atomic<bool> busy = false;
    std::atomic<bool> go_on = false;
    std::atomic<int> done = 0;
    CHECK(pool.initialize(1, job([&](int) {
                            busy = true;
                            while (!go_on) {
                              std::this_thread::sleep_for(1ms);
                            }
                          })));
    eventually([&] { return busy.load(); });
    CHECK(pool.dispatch(1, [&](int) { ++done; }));
    CHECK_FALSE(pool.dispatch(1, [&](int) { done += 100; }));
    CHECK(pool.size() == 0);
    CHECK_FALSE(pool.dispatch(1, [&](int) { done += 100; }));
    CHECK(reports.all() == lines{"not_delivered 1", "unknown_key 1"});
    CHECK(pool.initialize(1, job([&](int) { done += 10; })));
    go_on = true;
    pool.stop();
    CHECK(done == 11);
  });
}

TEST_CASE("a dispatch waits for room as the policy says, and a removal ends its waiting") {
  with_both_kinds(waiting{1, 1h}, [](auto& pool, auto& reports) {
    std::atomic<bool> busy = false;
    std::atomic<bool> go_on = false;
    std::atomic<int> done = 0;
    const job wait = [&](int) {
      busy = true;
      while (!go_on) {
        std::this_thread::sleep_for(1ms);
      }
    };
    CHECK(pool.initialize(1, wait));
    eventually([&] { return busy.load(); });
    CHECK(pool.dispatch(1, [&](int) { ++done; }));
    std::optional<bool> answer;
    std::jthread served([&] { answer = pool.dispatch(1, [&](int) { ++done; }); });
    std::this_thread::sleep_for(10ms);
    go_on = true;
    served.join();
    CHECK(answer == true);
    eventually([&] { return done == 2; });

    busy = go_on = false;
    CHECK(pool.dispatch(1, wait));
    eventually([&] { return busy.load(); });
    CHECK(pool.dispatch(1, [&](int) { ++done; }));
    std::jthread refused([&] { answer = pool.dispatch(1, [&](int) { done += 100; }); });
    std::this_thread::sleep_for(10ms);
    CHECK(pool.remove(1));
    CHECK(pool.initialize(1));
    refused.join();
    CHECK(answer == false);
    CHECK(pool.size() == 1);  // the key's next worker is not the one that failed
    CHECK(reports.all() == lines{"not_delivered 1"});
    go_on = true;
    pool.stop();
    CHECK(done == 3);
  });
}

TEST_CASE("who waits for room in the box of a worker that ends is told so") {
  const auto check = [](auto& pool, std::atomic<bool>& ends, test::reports& reports) {
    CHECK(pool.initialize(1, 1));
    std::atomic<int> refused = 0;
    {
      std::vector<std::jthread> senders;
      for (int i = 0; i < 3; ++i) {
        senders.emplace_back([&] { refused += pool.dispatch(1, 2) ? 0 : 1; });
      }
      std::this_thread::sleep_for(10ms);
      ends = true;
    }
    CHECK(refused == 3);
    CHECK(pool.size() == 0);
    CHECK(reports.count("not_delivered 1") + reports.count("unknown_key 1") == 3);
    CHECK(pool.initialize(1, 1));
  };
  const auto wait_for = [](const std::atomic<bool>& ends) {
    while (!ends) {
      std::this_thread::sleep_for(1ms);
    }
  };
  {
    INFO("coroutines");
    std::atomic<bool> ends = false;
    asio_pool asio;
    test::reports reports;
    worker_pool<int, int, blocking> pool(
        asio.where,
        [&](const int&, const auto&, std::stop_token) -> task<> {
          wait_for(ends);
          co_return;
        },
        blocking{1}, reports.hook());
    check(pool, ends, reports);
  }
  INFO("threads");
  std::atomic<bool> ends = false;
  test::reports reports;
  worker_pool<int, int, blocking> pool(
      thread_each, [&](const int&, auto&, const std::stop_token&) { wait_for(ends); }, blocking{1},
      reports.hook());
  check(pool, ends, reports);
}

TEST_CASE("a worker that ends does not wait for what the hook does") {
  boost::asio::thread_pool one_thread(1);
  std::atomic<bool> ends = false;
  std::atomic<int> received = 0;
  std::function<void(int key)> report;
  worker_pool<int, int, blocking> pool(
      millrace::scheduler(millrace::asio_executor(one_thread.get_executor())),
      [&](const int& key, const auto& box, std::stop_token) -> task<> {
        if (key == 1) {
          while (!ends) {
            std::this_thread::sleep_for(1ms);
          }
          co_return;
        }
        while (co_await box.receive()) {
          ++received;
        }
      },
      blocking{1}, [&](const auto& r) { report(*r.key); });
  report = [&](int key) {
    if (key == 1) {  // waits for room, and so for the thread on which the worker ends
      for (int i = 0; i < 3; ++i) {
        CHECK(pool.dispatch(2, i));
      }
    }
  };
  CHECK(pool.initialize(1, 1));
  CHECK(pool.initialize(2));
  {
    std::jthread sender([&] { CHECK_FALSE(pool.dispatch(1, 2)); });
    std::this_thread::sleep_for(10ms);
    ends = true;
  }
  pool.stop();
  CHECK(received == 3);
}

TEST_CASE("inputs that a worker's thread has given away last longer than the worker") {
  using text_pool = worker_pool<int, std::string>;
  std::optional<text_pool::box_type::input_type> given;
  text_pool pool(thread_each, [&](const int&, text_pool::box_type& box, const std::stop_token&) {
    given.emplace(box.new_input());
    (void)box.receive();
  });
  CHECK(pool.initialize(1));
  CHECK(pool.dispatch(1, "end"));
  eventually([&] { return pool.size() == 0; });
  pool.stop();
  CHECK(given->closed());
  CHECK_FALSE(given->deliver("too late"));
}

TEST_CASE("an executor that refuses leaves no worker, and its key free") {
  struct refusing {
    bool* refuses;
    test::run_loop::executor_type to;
    void post(std::function<void()> f) const {
      if (*refuses) {
        throw std::runtime_error("no thread");
      }
      to.post(std::move(f));
    }
  };
  bool refuses = true;
  int received = 0;
  test::run_loop loop;
  test::reports reports;
  worker_pool<int, int> pool(
      refusing{&refuses, loop.executor()},
      [&](const int&, const auto& box, std::stop_token) -> task<> {
        received += *co_await box.receive();
      },
      {}, reports.hook());
  CHECK_FALSE(pool.initialize(1, 1));
  CHECK(pool.size() == 0);
  CHECK(reports.all() == lines{"not_started 1: no thread"});
  refuses = false;
  CHECK(pool.initialize(1, 10));
  loop.run();
  CHECK(received == 10);
}
