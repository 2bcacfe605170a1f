// What commands allocate: nothing, once each kind of reply has been used.
#include <atomic>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "support/allocations.hpp"
#include "support/child.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::reply_box;
using test::allocated_by;

namespace {

struct note {
  int number;
  using returns = millrace::fire_and_forget;
};
struct twice {
  int number;
  using returns = millrace::returns<int>;
};
using api = millrace::protocol<note, twice>;
using box_type = message_box<api::message, blocking>;

struct clerk {
  int notes = 0;
  void operator()(note&&) { ++notes; }
  auto operator()(twice&& t, reply_box<int> reply) { return reply_to(reply, 2 * t.number); }
};

constexpr int count = 1000;

TEST_CASE("casts and calls allocate nothing, whatever becomes of the reply") {
  box_type box({.limit = 4});
  auto in = box.new_input();
  clerk clerk;
  const auto serve = [&](auto& handler) { handle(std::move(*box.try_receive()), handler); };
  const auto drop = millrace::overloaded{[](note&&) {}, [](twice&&, reply_box<int>) {}};
  int good = 0;
  const auto all_ways = [&] {
    for (int i = 0; i < count; ++i) {
      good += cast(in, note{i}) ? 1 : 0;
      serve(clerk);
      auto first = call_async(in, twice{i});
      auto second = call_async(in, twice{i});
      serve(clerk);
      serve(drop);
      good += first.try_take()->value() == 2 * i ? 1 : 0;
      good += second.try_take()->has_value() ? 0 : 1;
      good += call(in, twice{i}, 0ns) ? 0 : 1;  // times out
      serve(clerk);
    }
  };
  all_ways();
  CHECK(allocated_by(all_ways) == 0);
  CHECK(good == 2 * 4 * count);
}

TEST_CASE("calls from one thread to another allocate nothing") {
  box_type box({.limit = 4});
  auto in = box.new_input();
  const std::jthread serving([&box] {
    clerk clerk;
    for (auto& message : box) {
      handle(std::move(message), clerk);
    }
  });
  int sum = 0;
  const auto calls = [&] {
    for (int i = 0; i < count; ++i) {
      sum += call(in, twice{i}, 1h).value();
    }
  };
  calls();
  CHECK(allocated_by(calls) == 0);
  CHECK(sum == 2 * count * (count - 1));
  box.close();
}

TEST_CASE("calls whose replies another thread takes allocate nothing") {
  box_type box({.limit = 4});
  auto in = box.new_input();
  message_box<millrace::async_reply<int>, blocking> replies({.limit = 4});
  auto to_taker = replies.new_input();
  std::atomic<int> taken = 0;
  const std::jthread taking([&replies, &taken] {
    for (auto& reply : replies) {
      taken += reply.try_take()->value() != 0 ? 1 : 0;
    }
  });
  clerk clerk;
  int expected = 0;
  const auto calls = [&] {
    for (int i = 1; i <= 10 * count; ++i) {
      auto reply = call_async(in, twice{i});
      handle(std::move(*box.try_receive()), clerk);
      CHECK(to_taker.deliver(std::move(reply)));
    }
    expected += 10 * count;
    test::eventually([&] { return taken == expected; });
  };
  calls();
  CHECK(allocated_by(calls) <= 64);  // when both threads are at the shared store at once
  replies.close();
}

using async_input = millrace::async_input<box_type::input_type>;

millrace::task<> call_often(async_input in, const millrace::scheduler& where, int& sum) {
  for (int i = 0; i < count; ++i) {
    auto reply = co_await call_async(in, twice{i});
    const auto got = co_await std::move(reply).on(where);
    sum += got.value();
  }
}

TEST_CASE("calls between coroutines allocate nothing by the call") {
  test::run_loop loop;
  const millrace::scheduler here = loop.executor();
  box_type box({.limit = 4});
  millrace::task_group group(here);
  int sum = 0;
  group.spawn(call_often(box.new_input().on(here), here, sum));
  group.spawn([](auto inbox) -> millrace::task<> {
    clerk clerk;
    while (auto message = co_await inbox.receive()) {
      handle(std::move(*message), clerk);
    }
  }(box.on(here)));
  // Jobs posted to the loop are what is left: one for hundreds of calls.
  CHECK(allocated_by([&] { loop.run(); }) < count / 50);
  group.wait();
  CHECK(sum == count * (count - 1));
}

struct carry {
  test::fragile load;
  using returns = millrace::returns<int>;
};
using porter_api = millrace::protocol<carry>;

TEST_CASE(
    "a command that throws when it is moved is not sent, and its call leaves nothing behind") {
  message_box<porter_api::message, blocking> box({.limit = 1});
  auto in = box.new_input();
  int thrown = 0;
  int sent = 0;
  const auto at_every_move = [&] {
    for (int moves = 1; moves < 10; ++moves) {
      try {
        auto reply = call_async(in, carry{{1, moves}});
        ++sent;
        try {
          static_cast<void>(box.try_receive());
        } catch (const std::runtime_error&) {
        }
        CHECK(reply.try_take().value().error().code != millrace::command_errc::timed_out);
      } catch (const std::runtime_error&) {
        ++thrown;
        CHECK_FALSE(box.try_receive());
      }
    }
  };
  at_every_move();
  CHECK(thrown > 1);
  CHECK(sent > 1);
  CHECK(test::allocated_and_not_freed_by(at_every_move) == 0);
}

}  // namespace
