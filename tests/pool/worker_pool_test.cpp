// The worker pool, with coroutines and with threads: who is started, reached and forgotten, and
// what is told of it.
#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/pool/worker_pool.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "pool/worker_pools.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"

using namespace test;

TEST_CASE("every key has a worker of its own, which gets its messages in their order") {
  with_both_kinds(unlimited{}, [](auto& pool, auto& reports) {
    constexpr int workers = 20;
    constexpr int messages = 200;
    std::vector<std::vector<int>> received(workers);
    std::atomic<int> wrong = 0;
    for (int k = 0; k < workers; ++k) {
      REQUIRE(pool.initialize(k));
    }
    CHECK(pool.size() == workers);
    for (int m = 0; m < messages; ++m) {
      for (int k = 0; k < workers; ++k) {
        REQUIRE(pool.dispatch(k, [&, k, m](int key) {
          wrong += key == k ? 0 : 1;
          received[static_cast<std::size_t>(key)].push_back(m);
        }));
      }
    }
    pool.stop();  // boxes end behind what was dispatched
    CHECK(wrong == 0);
    for (const auto& of_one : received) {
      REQUIRE(of_one.size() == messages);
      CHECK(std::ranges::is_sorted(of_one));
    }
    CHECK(reports.all().empty());
  });
}

TEST_CASE("a worker is not the caller: it has started elsewhere, with its first message") {
  with_both_kinds(unlimited{}, [](auto& pool, auto&) {
    std::atomic<bool> done = false;
    std::thread::id where;
    REQUIRE(pool.initialize(1, job([&](int) {
                              where = std::this_thread::get_id();
                              done = true;
                            })));
    eventually([&] { return done.load(); });
    CHECK(where != std::this_thread::get_id());
  });
}

TEST_CASE("a key that is initialized again keeps its worker") {
  with_both_kinds(unlimited{}, [](auto& pool, auto& reports) {
    std::atomic<int> done = 0;
    CHECK(pool.initialize(1));
    CHECK_FALSE(pool.initialize(1, job([&](int) { done += 100; })));
    CHECK(pool.dispatch(1, [&](int) { ++done; }));
    CHECK(pool.size() == 1);
    pool.stop();
    CHECK(done == 1);
    CHECK(reports.all() == lines{"key_exists 1"});
  });
}

TEST_CASE("a callback is not called where there is no worker to be") {
  test::run_loop loop;
  int called = 0;
  worker_pool<int, int> pool(loop.executor(),
                             [&](const int&, const auto& box, std::stop_token) -> task<> {
                               ++called;
                               return [](const auto& from) -> task<> {
                                 while (co_await from.receive()) {
                                 }
                               }(box);
                             });
  CHECK(pool.initialize(1));
  CHECK_FALSE(pool.initialize(1));
  CHECK(called == 1);
  CHECK(pool.remove(1));
  CHECK(pool.initialize(1));
  CHECK(called == 2);
  CHECK(pool.remove(1));
  loop.run();
  pool.stop();
  CHECK_FALSE(pool.initialize(1));
  CHECK(called == 2);
}

TEST_CASE("a callback finds its worker in the pool already") {
  test::run_loop loop;
  test::reports reports;
  std::vector<int> received;
  std::function<void(int)> meanwhile = [](int) {};
  worker_pool<int, int> pool(
      loop.executor(),
      [&](const int& key, const auto& box, std::stop_token) -> task<> {
        meanwhile(key);
        return [](const auto& from, auto& to) -> task<> {
          while (const auto m = co_await from.receive()) {
            to.push_back(*m);
          }
        }(box, received);
      },
      {}, reports.hook());
  meanwhile = [&](int key) {
    CHECK_FALSE(pool.initialize(key));
    CHECK(pool.dispatch(key, 2));
    CHECK(pool.remove(key));
  };
  CHECK(pool.initialize(1, 1));
  CHECK(pool.size() == 0);
  loop.run();
  CHECK(received == std::vector<int>{1, 2});
  CHECK(reports.all() == lines{"key_exists 1"});
  meanwhile = [&](int key) {
    CHECK(pool.remove(key));
    throw std::runtime_error("no coroutine");
  };
  CHECK_FALSE(pool.initialize(2));
  CHECK(reports.all() == lines{"key_exists 1", "not_started 2: no coroutine"});
  loop.run();
}

TEST_CASE("a message to an unknown key, and its removal, are reported and ignored") {
  with_both_kinds(unlimited{}, [](auto& pool, auto& reports) {
    job work = [](int) {};
    CHECK(pool.initialize(1));
    CHECK_FALSE(pool.dispatch(666, std::move(work)));
    CHECK(work);  // as it was
    CHECK_FALSE(pool.remove(667));
    CHECK(reports.all() == lines{"unknown_key 666", "unknown_key 667"});
    CHECK(pool.dispatch(1, [](int) {}));
  });
}

TEST_CASE("a removed worker is not reached any more, others are, and its key is free") {
  with_both_kinds(unlimited{}, [](auto& pool, auto& reports) {
    std::atomic<int> done = 0;
    CHECK(pool.initialize(0));
    CHECK(pool.initialize(1));
    CHECK(pool.remove(1));
    CHECK_FALSE(pool.dispatch(1, [&](int) { done += 100; }));
    CHECK(reports.all() == lines{"unknown_key 1"});
    CHECK(pool.dispatch(0, [&](int) { ++done; }));
    CHECK(pool.initialize(1));
    CHECK(pool.dispatch(1, [&](int) { ++done; }));
    pool.stop();
    CHECK(done == 2);
  });
}

TEST_CASE("a worker that throws, and one that returns, are forgotten, and their keys are free") {
  const auto check = [](auto& pool, test::reports& reports) {
    for (int round = 1; round <= 3; ++round) {
      CHECK(pool.initialize(1, 0));
      CHECK(pool.initialize(2, 1));
      eventually([&] {
        return pool.size() == 0 &&
               reports.count("worker_threw 1: no work") == static_cast<std::size_t>(round);
      });
      CHECK_FALSE(pool.dispatch(1, 0));
      CHECK_FALSE(pool.dispatch(2, 0));
      CHECK(reports.all().size() == static_cast<std::size_t>(3 * round));
    }
  };
  const auto throw_if = [](bool so) {
    if (so) {
      throw std::runtime_error("no work");
    }
  };
  {
    asio_pool asio;
    test::reports reports;
    worker_pool<int, int> pool(
        asio.where,
        [&](const int&, const auto& box, std::stop_token) -> task<> {
          const auto m = co_await box.receive();
          throw_if(*m == 0);
        },
        {}, reports.hook());
    check(pool, reports);
  }
  test::reports reports;
  worker_pool<int, int> pool(
      thread_each,
      [&](const int&, auto& box, const std::stop_token&) { throw_if(*box.receive() == 0); }, {},
      reports.hook());
  check(pool, reports);
}

TEST_CASE("a hook may start a worker again that has ended by throwing") {
  const auto check = [](auto& pool, std::atomic<int>& lives, auto&& start) {
    start = [&](const auto& r) {
      if (r.event == millrace::pool_event::worker_threw) {
        CHECK(pool.initialize(*r.key, ++lives));
      }
    };
    CHECK(pool.initialize(1, 0));
    eventually([&] { return lives == 3; });
    CHECK(pool.dispatch(1, 0));
    pool.stop();
  };
  const auto fail_at_first = [](int life) {
    if (life < 3) {
      throw std::runtime_error("no work");
    }
  };
  using hook = std::function<void(const millrace::pool_report<int>&)>;
  {
    INFO("coroutines");
    hook start;
    std::atomic<int> lives = 0;
    asio_pool asio;
    worker_pool<int, int> pool(
        asio.where,
        [&](const int&, const auto& box, std::stop_token) -> task<> {
          fail_at_first(*co_await box.receive());
          (void)co_await box.receive();
        },
        {}, [&](const auto& r) { start(r); });
    check(pool, lives, start);
  }
  INFO("threads");
  hook start;
  std::atomic<int> lives = 0;
  worker_pool<int, int> pool(
      thread_each,
      [&](const int&, auto& box, const std::stop_token&) {
        fail_at_first(*box.receive());
        (void)box.receive();
      },
      {}, [&](const auto& r) { start(r); });
  check(pool, lives, start);
}

TEST_CASE("a callback that throws before it is a coroutine leaves no worker") {
  test::run_loop loop;
  test::reports reports;
  worker_pool<int, int> pool(
      loop.executor(),
      [](const int&, const auto&, const std::stop_token&) -> task<> {
        throw std::runtime_error("no coroutine");
      },
      {}, reports.hook());
  CHECK_FALSE(pool.initialize(1));
  loop.run();
  CHECK(pool.size() == 0);
  CHECK(reports.all() == lines{"not_started 1: no coroutine"});
}

TEST_CASE("a box that cannot be made leaves no worker, and the pool goes on") {
  with_both_kinds(blocking{0}, [](auto& pool, auto& reports) {
    CHECK_FALSE(pool.initialize(1));
    CHECK_FALSE(pool.initialize(1));
    CHECK(pool.size() == 0);
    CHECK_FALSE(pool.dispatch(1, [](int) {}));
    REQUIRE(reports.all().size() == 3);
    CHECK(reports.all()[0].starts_with("not_started 1: "));
    CHECK(reports.all()[1] == reports.all()[0]);
    CHECK(reports.all()[2] == "unknown_key 1");
  });
}

TEST_CASE("a first message that cannot be moved leaves no worker") {
  test::run_loop loop;
  test::reports reports;
  bool ran = false;
  worker_pool<int, test::fragile> pool(
      loop.executor(),
      [&](const int&, const auto&, const std::stop_token&) -> task<> {
        ran = true;
        co_return;
      },
      {}, reports.hook());
  // Into the optional, as an argument, and not into the box.
  CHECK_FALSE(pool.initialize(1, std::optional<test::fragile>(std::in_place, 1, 0)));
  loop.run();
  CHECK_FALSE(ran);
  CHECK(pool.size() == 0);
  CHECK(reports.all() == lines{"not_started 1: fragile"});
}
