// How worker pools and their workers are stopped, and used by many at once.
#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/pool/worker_pool.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "pool/worker_pools.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("a stop asks all workers to stop, also those that wait for something else") {
  std::atomic<int> stopped = 0;
  {
    asio_pool asio;
    worker_pool<int, int> pool(asio.where,
                               [&](const int&, const auto&, std::stop_token stop) -> task<> {
                                 while (!stop.stop_requested()) {
                                   co_await asio.where.yield();
                                 }
                                 ++stopped;
                               });
    for (int k = 0; k < 1000; ++k) {
      CHECK(pool.initialize(k, k));
    }
  }
  CHECK(stopped == 1000);
  stopped = 0;
  {
    worker_pool<int, int> pool(thread_each, [&](const int&, auto&, const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(1ms);
      }
      ++stopped;
    });
    for (int k = 0; k < 10; ++k) {
      CHECK(pool.initialize(k));
    }
    CHECK(pool.remove(3));
  }
  CHECK(stopped == 10);
}

TEST_CASE("a stopped pool starts nothing any more") {
  with_both_kinds(unlimited{}, [](auto& pool, auto& reports) {
    CHECK(pool.initialize(1));
    pool.stop();
    CHECK(pool.size() == 0);
    CHECK_FALSE(pool.initialize(2));
    CHECK_FALSE(pool.dispatch(1, [](int) {}));
    CHECK(reports.all() == lines{"not_started 2", "unknown_key 1"});
    pool.stop();
  });
}

TEST_CASE("a pool may be stopped by several threads: each waits until all workers have ended") {
  with_both_kinds(unlimited{}, [](auto& pool, auto&) {
    constexpr int workers = 20;
    std::atomic<int> ended = 0;
    for (int k = 0; k < workers; ++k) {
      CHECK(pool.initialize(k, job([&](int) {
                              std::this_thread::sleep_for(1ms);
                              ++ended;
                            })));
    }
    std::atomic<int> early = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        pool.stop();
        early += ended == workers ? 0 : 1;
      });
    }
    threads.clear();
    CHECK(early == 0);
    CHECK(pool.size() == 0);
  });
}

TEST_CASE("workers may use their pool: start others, send to them, and remove themselves") {
  with_both_kinds(unlimited{}, [](auto& pool, auto&) {
    std::atomic<int> done = 0;
    CHECK(pool.initialize(0));
    job next = [&](int key) {
      ++done;
      if (key < 100) {
        pool.initialize(key + 1);
        pool.dispatch(key + 1, next);
      }
      pool.remove(key);
    };
    CHECK(pool.dispatch(0, next));
    eventually([&] { return done == 101 && pool.size() == 0; });
  });
}

TEST_CASE("keys are started, sent to, removed and ended by many threads at once") {
  constexpr int keys = 8;
  std::atomic<long> received = 0;
  std::atomic<long> dispatched = 0;
  std::atomic<int> running = 0;
  asio_pool asio;
  test::counted::alive = 0;
  {
    worker_pool<int, test::counted> pool(
        asio.where, [&](const int&, const auto& box, std::stop_token) -> task<> {
          ++running;
          while (const auto m = co_await box.receive()) {
            ++received;
            if (m->value == 0) {
              break;
            }
          }
          --running;
        });
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        unsigned dice = t + 1;
        for (int i = 0; i < 5000; ++i) {
          dice = dice * 1664525 + 1013904223;
          const int key = static_cast<int>(dice >> 16) % keys;
          switch ((dice >> 8) % 8) {
          case 0:
            pool.initialize(key);
            break;
          case 1:
            pool.remove(key);
            break;
          default:
            dispatched +=
                pool.dispatch(key, test::counted(static_cast<int>(dice >> 12) % 16)) ? 1 : 0;
          }
        }
      });
    }
  }
  CHECK(running == 0);
  CHECK(received <= dispatched);
  CHECK(dispatched > 0);
  CHECK(test::counted::alive == 0);
}

TEST_CASE("keys may be texts, and keys that are only ordered") {
  struct place {
    int number;
    bool operator<(const place& other) const { return number < other.number; }
  };
  test::run_loop loop;
  int sum = 0;
  const auto add = [&](const auto&, const auto& box, std::stop_token) -> task<> {
    while (const auto m = co_await box.receive()) {
      sum += *m;
    }
  };
  worker_pool<std::string, int> by_text(loop.executor(), add);
  worker_pool<place, int> by_place(loop.executor(), add);
  CHECK(by_text.initialize("a", 1));
  CHECK_FALSE(by_text.initialize("a", 10));
  CHECK(by_place.initialize({1}, 100));
  CHECK(by_place.dispatch({1}, 1000));
  CHECK_FALSE(by_place.dispatch({2}, 10000));
  loop.run();
  CHECK(sum == 1101);
  CHECK(by_text.remove("a"));
  CHECK(by_place.remove({1}));
  loop.run();
}
