// Boxes used by coroutines, alone and together with threads.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/coroutines.hpp"
#include "box/messages.hpp"
#include "box/run_loop.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::quiet;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using millrace::unlimited;
using millrace::waiting;
using test::deliver_once;
using test::numbered_message;

namespace {

template <class In>
task<> send_numbers(In in, std::uint32_t sender, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!co_await in.deliver(numbered_message{sender, i})) {
      throw std::logic_error("not delivered");
    }
  }
}

/// Checks the order; leaves the number of each sender's messages in `received`.
template <class Inbox>
task<> receive_numbers(Inbox inbox, std::vector<std::uint32_t>& received) {
  while (const auto m = co_await inbox.receive()) {
    if (m->number != received.at(m->sender)++) {
      throw std::logic_error("out of order");
    }
  }
}

/// Threads and coroutines at the same time, on `threads` threads.
template <class Policy>
void everybody_sends(Policy policy, unsigned threads, bool a_thread_receives) {
  constexpr std::uint32_t senders = 20;
  constexpr std::uint32_t each = 500;
  boost::asio::thread_pool pool(threads);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<numbered_message, Policy> box(policy);
  std::vector<std::uint32_t> received(senders);
  {
    task_group group(on_pool);
    std::vector<std::jthread> sending;
    std::optional anchor(box.new_input());
    for (std::uint32_t s = 0; s < senders; ++s) {
      if (s % 10 == 0) {
        sending.emplace_back([in = box.new_input(), s]() mutable {
          for (std::uint32_t i = 0; i < each; ++i) {
            CHECK(in.deliver(numbered_message{s, i}));
          }
        });
      } else {
        group.spawn(send_numbers(box.new_input().on(on_pool), s, each));
      }
    }
    anchor.reset();
    if (a_thread_receives) {
      for (const auto& m : box) {
        REQUIRE(m.number == received.at(m.sender)++);
      }
    } else {
      group.spawn(receive_numbers(box.on(on_pool), received));
    }
    group.wait();
  }
  for (const auto count : received) {
    CHECK(count == each);
  }
}

}  // namespace

TEST_CASE("coroutines and threads send, one of either receives, and every input's order is kept") {
  for (const unsigned threads : {1u, 2u, 4u}) {
    for (const bool a_thread_receives : {false, true}) {
      for (const std::size_t limit : {1u, 2u, 256u}) {
        CAPTURE(threads);
        CAPTURE(a_thread_receives);
        CAPTURE(limit);
        everybody_sends(blocking{limit}, threads, a_thread_receives);
        everybody_sends(waiting{limit, 1h, 1h}, threads, a_thread_receives);
        everybody_sends(quiet<blocking>{{limit}}, threads, a_thread_receives);
      }
      everybody_sends(unlimited{}, threads, a_thread_receives);
      everybody_sends(quiet<unlimited>{}, threads, a_thread_receives);
    }
  }
}

TEST_CASE("a coroutine that never needs to wait lets others run") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<numbered_message, unlimited> box;
  std::size_t most = 0;
  std::size_t now = 0;
  task_group group(here);
  group.spawn([](auto in, std::size_t& held, std::size_t& top) -> task<> {
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      co_await in.deliver(numbered_message{0, i});
      top = std::max(top, ++held);
    }
  }(box.new_input().on(here), now, most));
  group.spawn([](auto inbox, std::size_t& held) -> task<> {
    while (co_await inbox.receive()) {
      --held;
    }
  }(box.on(here), now));
  loop.run();
  group.wait();
  CHECK(now == 0);
  CHECK(most < 10'000);
}

TEST_CASE("senders that wait are served first come, first served, and each gets the room itself") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  CHECK(in.deliver(0));
  task_group group(here);
  std::vector<std::optional<bool>> answers(5);
  for (int i = 1; i <= 4; ++i) {
    group.spawn(deliver_once(in.on(here), int(i), answers[static_cast<std::size_t>(i)]));
  }
  loop.run();
  CHECK_FALSE(answers[1]);
  for (int i = 0; i <= 4; ++i) {
    CHECK_FALSE(in.try_deliver(9));  // nobody passes those who wait
    CHECK(box.try_receive() == i);
  }
  loop.run();
  for (int i = 1; i <= 4; ++i) {
    CHECK(answers[static_cast<std::size_t>(i)] == true);
  }
  CHECK_FALSE(box.try_receive());
  CHECK(in.deliver(1));
}
