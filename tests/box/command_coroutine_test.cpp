// Commands in coroutines: where they go on, what they are told, and what happens to them when their
// reply comes late, never, or while they are destroyed.
#include <atomic>
#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/printing.hpp"
#include "box/run_loop.hpp"
#include "box/running.hpp"
#include "box/shop.hpp"

using namespace std::chrono_literals;
using millrace::command_errc;
using millrace::reply_box;
using millrace::reply_status;
using millrace::task;
using shop::buy;
using shop::clerk_but;
using test::running;

namespace {

constexpr auto long_time = 1h;  // the watchdog is quicker

/// A scheduler that goes on when it is told to.
struct workbench {
  test::run_loop jobs;
  millrace::scheduler where = jobs.executor();

  void run() { jobs.run(); }
};

using answer = millrace::result<bool, millrace::command_error>;

template <class Input>
running ask(Input& in, std::optional<answer>& got) {
  auto reply = call_async(in, buy{"Emma"});
  got = co_await std::move(reply);
}
template <class Input>
running ask(Input& in, const millrace::scheduler& where, std::chrono::nanoseconds time,
            std::optional<answer>& got) {
  auto reply = call_async(in, buy{"Emma"});
  got = co_await std::move(reply).on(where, time);
}

TEST_CASE("co_await: without a scheduler goes on within reply_to") {
  shop::box<> store;
  auto in = store.new_input();
  std::optional<answer> got;
  const running caller = ask(in, got);
  CHECK_FALSE(caller.done());
  shop::serve_one(store, clerk_but([&](buy&&, reply_box<bool> reply) {
                    CHECK(reply_to(reply, true) == reply_status::replied);
                    CHECK(caller.done());
                  }));
  REQUIRE(got);
  CHECK(got->value());
}

TEST_CASE("co_await: on a scheduler goes on there") {
  workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  std::optional<answer> got;
  const running caller = ask(in, bench.where, millrace::for_ever, got);
  bench.run();
  CHECK_FALSE(caller.done());
  shop::serve_one(store, shop::clerk());
  CHECK_FALSE(caller.done());
  bench.run();
  CHECK(caller.done());
  REQUIRE(got);
  CHECK(got->value());
}

TEST_CASE("co_await: does not wait for what cannot come") {
  workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  store.close();
  std::optional<answer> got;
  const running caller = ask(in, bench.where, long_time, got);
  CHECK(caller.done());
  REQUIRE(got);
  CHECK(got->error().code == command_errc::could_not_enqueue);
}

TEST_CASE("co_await: does not wait for a reply that comes between its look and its wait") {
  const workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  const auto check = [&](auto awaiting) {
    CHECK_FALSE(awaiting.await_ready());
    shop::serve_one(store, shop::clerk());
    CHECK_FALSE(awaiting.await_suspend(std::noop_coroutine()));
    CHECK(awaiting.await_resume().value());
  };
  check(call_async(in, buy{"Emma"}).operator co_await());
  check(call_async(in, buy{"Emma"}).on(bench.where));
}

TEST_CASE("co_await: a dropped reply_box ends it") {
  std::optional<shop::box<>> store(std::in_place);
  auto in = store->new_input();
  std::optional<answer> got;
  const running caller = ask(in, got);
  store.reset();
  CHECK(caller.done());
  REQUIRE(got);
  CHECK(got->error().code == command_errc::closed);
}

TEST_CASE("co_await: times out, and a later reply is told so") {
  workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  std::optional<answer> got;
  {
    const running caller = ask(in, bench.where, 5ms, got);
    while (!caller.done()) {
      std::this_thread::sleep_for(1ms);
      bench.run();
    }
  }
  REQUIRE(got);
  CHECK(got->error().code == command_errc::timed_out);
  std::optional<reply_status> told;
  shop::serve_one(store, clerk_but([&](buy&&, reply_box<bool> reply) {
                    CHECK(reply.id() == got->error().id);
                    told = reply_to(reply, true);
                  }));
  CHECK(told == reply_status::abandoned);
}

TEST_CASE("co_await: a coroutine may be destroyed while it waits, or is about to go on") {
  workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  std::optional<answer> got;
  std::vector<reply_status> told;
  auto serve =
      clerk_but([&](buy&&, reply_box<bool> reply) { told.push_back(reply_to(reply, true)); });
  { const running caller = ask(in, got); }
  { const running caller = ask(in, bench.where, long_time, got); }
  shop::serve_one(store, serve);
  shop::serve_one(store, serve);
  {
    const running caller = ask(in, bench.where, long_time, got);
    shop::serve_one(store, serve);
  }
  bench.run();
  CHECK_FALSE(got);
  CHECK(told ==
        std::vector{reply_status::abandoned, reply_status::abandoned, reply_status::replied});
}

TEST_CASE("coroutines: wait for room, and cast, call and delegate when there is some") {
  workbench bench;
  shop::box<millrace::blocking> store({.limit = 1});
  shop::box<millrace::blocking> branch({.limit = 1});
  auto to_store = store.new_input().on(bench.where);
  auto to_branch = branch.new_input().on(bench.where);
  std::optional<answer> got;
  const auto customer = [&]() -> running {
    for (int i = 0; i < 3; ++i) {
      shop::donate gift = shop::book("Emma");
      CHECK(co_await cast(to_store, std::move(gift)));
    }
    buy order{"Emma"};
    auto reply = co_await call_async(to_store, std::move(order));
    got = co_await std::move(reply).on(bench.where);
  };
  const auto clerk = [&]() -> running {
    auto inbox = store.on(bench.where);
    int donations = 0;
    while (auto message = co_await inbox.receive()) {
      std::optional<std::pair<buy, reply_box<bool>>> order;
      handle(std::move(*message),
             clerk_but(millrace::overloaded{
                 [&](shop::donate&&) { ++donations; },
                 [&](buy&& b, reply_box<bool> r) { order.emplace(std::move(b), std::move(r)); }}));
      if (order) {
        CHECK(donations == 3);
        shop::donate gift = shop::book("Emma");
        CHECK(co_await cast(to_branch, std::move(gift)));
        CHECK(co_await delegate_call(order->second, to_branch, std::move(order->first)));
      }
    }
  };
  const auto other = [&]() -> running {
    auto inbox = branch.on(bench.where);
    while (auto message = co_await inbox.receive()) {
      handle(std::move(*message), shop::clerk());
    }
  };
  const running first = customer();
  bench.run();
  CHECK_FALSE(first.done());  // the box is full
  const running second = clerk();
  bench.run();
  CHECK_FALSE(first.done());
  const running third = other();
  bench.run();
  CHECK(first.done());
  REQUIRE(got);
  CHECK(got->value());
}

TEST_CASE("handle: with coroutines as functions returns what to co_await") {
  struct careful : shop::clerk {
    using shop::clerk::operator();
    task<> operator()(shop::donate&&) { co_return; }
    task<> operator()(buy&& b, reply_box<bool> reply) {
      if (b.title == "Lolita") {
        throw std::runtime_error("not in this house");
      }
      (void)reply_to(reply, true);
      co_return;
    }
    task<> operator()(shop::fetch&&, reply_box<std::unique_ptr<std::string>>) { co_return; }
    task<> operator()(shop::sweep&&, reply_box<void>) { co_return; }
  };
  workbench bench;
  shop::box<> store;
  auto in = store.new_input();
  auto good = call_async(in, buy{"Emma"});
  auto bad = call_async(in, buy{"Lolita"});
  int problems = 0;
  const auto serve = [&]() -> running {
    careful handler;
    while (auto message = store.try_receive()) {
      try {
        co_await handle(std::move(*message), handler);
      } catch (const std::runtime_error&) {
        ++problems;
      }
    }
  };
  const running serving = serve();
  CHECK(serving.done());
  CHECK(problems == 1);
  CHECK(good.try_take().value().value());
  CHECK(bad.try_take().value().error().code == command_errc::failed);
}

TEST_CASE("race: coroutines that time out against replies, on several threads") {
  constexpr int callers = 20;
  constexpr int each = 200;
  std::atomic<int> replied{0};
  std::atomic<int> timed_out{0};
  std::atomic<int> told_replied{0};
  std::atomic<int> told_abandoned{0};
  shop::box<> store;
  {
    boost::asio::thread_pool pool(3);
    const millrace::scheduler where = millrace::asio_executor(pool.get_executor());
    millrace::task_group servers(where);
    millrace::task_group customers(where);
    // The server would end with the last input, also before the first customer has one.
    std::optional open(store.new_input());
    servers.spawn([](auto& box, const auto& s, auto& yes, auto& no) -> task<> {
      auto inbox = box.on(s);
      while (auto message = co_await inbox.receive()) {
        handle(std::move(*message), clerk_but([&](buy&&, reply_box<bool> reply) {
                 ++(reply_to(reply, true) == reply_status::replied ? yes : no);
               }));
      }
    }(store, where, told_replied, told_abandoned));
    for (unsigned i = 0; i < callers; ++i) {
      customers.spawn([](auto in, unsigned seed, const auto& s, auto& yes, auto& no) -> task<> {
        std::minstd_rand random(seed + 1);
        for (int k = 0; k < each; ++k) {
          const std::chrono::microseconds time(random() % 200);
          auto reply = call_async(in, buy{"Emma"});
          const auto got = co_await std::move(reply).on(s, time);
          if (got) {
            ++yes;
          } else if (got.error().code == command_errc::timed_out) {
            ++no;
          }
        }
      }(store.new_input(), i, where, replied, timed_out));
    }
    customers.wait();
    open.reset();
    servers.wait();
  }
  CHECK(replied + timed_out == callers * each);
  CHECK(replied == told_replied);
  CHECK(timed_out == told_abandoned);
}

}  // namespace
