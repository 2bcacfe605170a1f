// What boxes allocate: nothing while they are bounded, hardly anything otherwise.
#include <cstdint>
#include <new>
#include <optional>
#include <utility>

#include <doctest/doctest.h>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/run_loop.hpp"
#include "support/allocations.hpp"

using millrace::blocking;
using millrace::message_box;
using millrace::unlimited;
using test::allocated_by;

TEST_CASE("a bounded box allocates nothing, whoever waits") {
  message_box<std::uint64_t, blocking> box({3});
  auto in = box.new_input();
  std::uint64_t sum = 0;
  CHECK(allocated_by([&] {
          for (std::uint64_t i = 0; i < 1000; ++i) {
            sum += in.deliver(i + 0) ? 1 : 0;
            sum += *box.receive();
          }
          while (in.try_deliver(1)) {
          }
          while (box.try_receive()) {
          }
          auto copy = in;
          sum += copy.deliver(1) ? 1 : 0;
          sum += *box.try_receive_future().get();
        }) == 0);
  CHECK(sum == 1000 + 999 * 500 + 2);

  CHECK(allocated_by([&] {
          std::uint64_t got = 0;
          while (got < 1000) {
            got += box.receive_after(std::chrono::nanoseconds(1)) ? 1 : 0;
            got += in.try_deliver(1) ? 0 : 1;
          }
        }) == 0);
}

TEST_CASE("coroutines that send and receive allocate nothing by the message") {
  test::run_loop loop;
  const millrace::scheduler here = loop.executor();
  message_box<std::uint64_t, blocking> box({3});
  millrace::task_group group(here);
  std::uint64_t sum = 0;
  constexpr std::uint64_t count = 10'000;
  group.spawn([](auto in) -> millrace::task<> {
    for (std::uint64_t i = 0; i < count; ++i) {
      (void)co_await in.deliver(i + 0);
    }
  }(box.new_input().on(here)));
  group.spawn([](auto inbox, std::uint64_t& to) -> millrace::task<> {
    while (const auto m = co_await inbox.receive()) {
      to += *m;
    }
  }(box.on(here), sum));
  // Jobs posted to the loop are what is left: one for hundreds of messages.
  CHECK(allocated_by([&] { loop.run(); }) < count / 100);
  group.wait();
  CHECK(sum == count * (count - 1) / 2);
}

TEST_CASE("an unlimited box allocates less than once in a hundred messages") {
  message_box<std::uint64_t, unlimited> box;
  auto in = box.new_input();
  constexpr long burst = 100'000;
  std::uint64_t received = 0;
  // All in, then all out.
  CHECK(allocated_by([&] {
          for (long i = 0; i < burst; ++i) {
            (void)in.deliver(1);
          }
          while (box.try_receive()) {
            ++received;
          }
        }) < burst / 100);
  // In and out by turns: nothing at all, once it has a segment to spare.
  CHECK(allocated_by([&] {
          for (long i = 0; i < burst; ++i) {
            (void)in.deliver(1);
            received += *box.try_receive();
          }
        }) == 0);
  CHECK(received == 2 * burst);
}

TEST_CASE("a box that is seldom used is one piece of memory, and allocates nothing at first") {
  using quiet_box = message_box<std::uint64_t, millrace::quiet<unlimited>>;
  std::optional<quiet_box> box;
  CHECK(allocated_by([&] {
          box.emplace();
          auto in = box->new_input();
          for (int i = 0; i < 3; ++i) {
            (void)in.deliver(1);
          }
        }) == 1);
  CHECK(box->receive() == 1);
}

TEST_CASE("an unlimited box that was emptied holds on to little memory") {
  struct large {
    std::byte bytes[1024];
  };
  message_box<large, unlimited> box;
  auto in = box.new_input();
  for (int round = 0; round < 3; ++round) {
    const long balance = test::allocated_and_not_freed_by([&] {
      for (int i = 0; i < 20'000; ++i) {
        (void)in.deliver(large{});
      }
      while (box.try_receive()) {
      }
    });
    CHECK(balance <= 2);
  }
}

TEST_CASE("a task for which there is no memory is not waited for") {
  test::run_loop loop;
  millrace::task_group group(loop.executor());
  int ran = 0;
  const auto work = [](int& count) -> millrace::task<> {
    ++count;
    co_return;
  };
  group.spawn(work(ran));  // and the loop has its job
  int spawned = 1;
  for (bool refused = false; !refused;) {  // some get the memory of tasks that have ended
    auto next = work(ran);
    test::refuse_an_allocation();
    try {
      group.spawn(std::move(next));
      ++spawned;
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    test::refuse_an_allocation(-1);
  }
  loop.run();
  group.wait();
  CHECK(ran == spawned);
}
