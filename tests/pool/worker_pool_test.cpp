// The worker pool, with coroutines and with threads: who is started, reached, cancelled and
// forgotten, and what is told of it.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::non_blocking;
using millrace::task;
using millrace::thread_each;
using millrace::unlimited;
using millrace::waiting;
using millrace::worker_pool;
using test::eventually;
using test::lines;

namespace {

/// Two threads for coroutines.
struct asio_pool {
  boost::asio::thread_pool threads{2};
  millrace::scheduler where = millrace::asio_executor(threads.get_executor());
};

/// What workers of these tests are sent: work to do, with the key of whoever does it.
using job = std::function<void(int key)>;

/// Both kinds of a pool whose workers do all the jobs that they are sent.
template <class Policy, class Test>
void with_both_kinds(const Policy& policy, Test run) {
  {
    INFO("coroutines");
    test::reports reports;
    asio_pool asio;
    worker_pool<int, job, Policy> pool(
        asio.where,
        [](const int& key, const auto& box, std::stop_token) -> task<> {
          while (const auto work = co_await box.receive()) {
            (*work)(key);
          }
        },
        policy, reports.hook());
    run(pool, reports);
  }
  {
    INFO("threads");
    test::reports reports;
    worker_pool<int, job, Policy> pool(
        thread_each,
        [](const int& key, auto& box, const std::stop_token&) {
          while (const auto work = box.receive()) {
            (*work)(key);
          }
        },
        policy, reports.hook());
    run(pool, reports);
  }
}

}  // namespace

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

TEST_CASE("a stop asks all workers to stop, also those that wait for something else") {
  std::atomic<int> stopped = 0;
  {
    asio_pool asio;
    worker_pool<int, int> pool(asio.where,
                               [&](const int&, const auto& box, std::stop_token stop) -> task<> {
                                 while (co_await box.receive(stop)) {
                                 }
                                 stopped += stop.stop_requested() ? 1 : 0;
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
