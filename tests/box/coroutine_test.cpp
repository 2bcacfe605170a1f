// Boxes used by coroutines, alone and together with threads.
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
#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::scheduler;
using millrace::task;
using millrace::task_group;
using millrace::unlimited;
using millrace::waiting;
using test::numbered_message;
using steady = std::chrono::steady_clock;

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

template <class T, class Policy>
task<> deliver_once(millrace::async_input<millrace::input<T, Policy>> in, T value,
                    std::optional<bool>& answer, std::stop_token stop = {}) {
  answer = co_await in.deliver(std::move(value), std::move(stop));
}

template <class Inbox, class T>
task<> receive_once(Inbox inbox, std::optional<T>& to, bool& ended, std::stop_token stop = {}) {
  to = co_await inbox.receive(std::move(stop));
  ended = true;
}

/// A coroutine that begins at once and is destroyed by whoever called it.
struct by_hand {
  struct promise_type {
    by_hand get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() {}
    static void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

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
      }
      everybody_sends(unlimited{}, threads, a_thread_receives);
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

TEST_CASE("a wait of a coroutine ends no earlier than its time, and hands the message back") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<std::unique_ptr<int>, waiting> box(
      {.limit = 1, .deliver_within = 20ms, .receive_within = 10ms});
  auto in = box.new_input();
  const auto spent = [&](auto work) {
    const auto before = steady::now();
    millrace::sync_wait(on_pool, work());
    return steady::now() - before;
  };
  CHECK(spent([&]() -> task<> { CHECK_FALSE(co_await box.on(on_pool).receive()); }) >= 10ms);
  CHECK(in.deliver(std::make_unique<int>(1)));
  CHECK(spent([&]() -> task<> {
          auto m = std::make_unique<int>(2);
          const auto sender = in.on(on_pool);
          CHECK_FALSE(co_await sender.deliver(std::move(m)));
          REQUIRE(m);
          CHECK(*m == 2);
          CHECK_FALSE(co_await sender.deliver_for(std::move(m), 1ms));
          CHECK_FALSE(co_await sender.deliver_for(std::move(m), 0ms));
          CHECK(*m == 2);
        }) >= 21ms);
  CHECK(**box.receive() == 1);
  CHECK_FALSE(box.try_receive());
  // Several, each with a time of its own; then one that is served in time.
  CHECK(in.deliver(std::make_unique<int>(3)));
  std::atomic<int> failed = 0;
  {
    task_group group(on_pool);
    for (const auto time : {30ms, 5ms, 15ms}) {
      group.spawn([](auto sender, auto t, std::atomic<int>& count) -> task<> {
        const auto before = steady::now();
        auto m = std::make_unique<int>(4);
        count += co_await sender.deliver_for(std::move(m), t) ? 0 : 1;
        CHECK(steady::now() - before >= t);
      }(in.on(on_pool), time, failed));
    }
    group.wait();
    CHECK(failed == 3);
    group.spawn([](auto sender) -> task<> {
      CHECK(co_await sender.deliver_for(std::make_unique<int>(5), 1h));
    }(in.on(on_pool)));
    std::this_thread::sleep_for(5ms);
    CHECK(**box.receive() == 3);
    group.wait();
  }
  CHECK(**box.receive() == 5);
}

TEST_CASE("a stop ends the waits of coroutines") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  for (const auto pause : {0ms, 0ms, 5ms}) {
    std::stop_source stop;
    std::optional<bool> answer;
    std::optional<int> message;
    bool ended = false;
    {
      task_group group(on_pool);
      group.spawn(receive_once(box.on(on_pool), message, ended, stop.get_token()));
      std::this_thread::sleep_for(pause);
      stop.request_stop();
    }
    CHECK(ended);
    CHECK_FALSE(message);
    CHECK(in.deliver(1));
    stop = {};
    {
      task_group group(on_pool);
      group.spawn(deliver_once(in.on(on_pool), 2, answer, stop.get_token()));
      std::this_thread::sleep_for(pause);
      stop.request_stop();
    }
    CHECK(answer == false);
    CHECK(box.try_receive() == 1);
    CHECK_FALSE(box.try_receive());
  }
}

TEST_CASE("close and the last input's going end the waits of coroutines") {
  for (const bool close : {true, false}) {
    test::run_loop loop;
    const scheduler here = loop.executor();
    message_box<int, blocking> box({1});
    std::optional in(box.new_input());
    std::optional<int> message;
    bool ended = false;
    task_group group(here);
    group.spawn(receive_once(box.on(here), message, ended));
    loop.run();
    CHECK_FALSE(ended);
    if (close) {
      box.close();
    }
    in.reset();
    loop.run();
    CHECK(ended);
    CHECK_FALSE(message);
  }
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<int, blocking> box({1});
  auto in = box.new_input();
  CHECK(in.deliver(1));
  std::optional<bool> answer;
  task_group group(here);
  group.spawn(deliver_once(in.on(here), 2, answer));
  loop.run();
  CHECK_FALSE(answer);
  box.close();
  loop.run();
  CHECK(answer == false);
}

TEST_CASE("ten thousand senders destroyed while they wait take nothing with them") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<test::counted, blocking> box({2});
  auto in = box.new_input();
  int delivered = 0;
  int received = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<std::coroutine_handle<>> waiting_now;
    const auto send = [](auto sender, int& count) -> by_hand {
      if (co_await sender.deliver(test::counted(1))) {
        ++count;
      }
    };
    for (int i = 0; i < 100; ++i) {
      waiting_now.push_back(send(in.on(here), delivered).handle);
    }
    // Some are served, of which a few have gone on by now and others are about to.
    for (int i = 0; i < round % 7; ++i) {
      received += box.try_receive() ? 1 : 0;
      if (i == 3) {
        loop.run();
      }
    }
    for (const auto h : waiting_now) {
      h.destroy();
    }
    loop.run();  // must not touch those who are gone
  }
  while (const auto m = box.try_receive()) {
    CHECK(m->value == 1);
    ++received;
  }
  CHECK(received >= delivered);
  CHECK(test::counted::alive == 0);
  CHECK(in.try_deliver(test::counted(2)));
  CHECK(box.try_receive()->value == 2);
}

TEST_CASE("senders destroyed while another thread receives take nothing of the others' with them") {
  using owned = std::unique_ptr<numbered_message>;
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<owned, blocking> box({2});
  std::uint32_t others = 0;
  // The receiver would end with the last input, also before there is the first one.
  std::optional open(box.new_input());
  std::jthread receiver([&] {
    std::uint32_t next = 0;
    while (const auto m = box.receive()) {
      REQUIRE((*m != nullptr));
      if ((*m)->sender == 0) {
        REQUIRE((*m)->number == next++);
      } else {
        ++others;
      }
    }
    CHECK(next == 10'000);
  });
  std::uint32_t delivered = 0;
  {
    std::jthread survivor([in = box.new_input()]() mutable {
      for (std::uint32_t i = 0; i < 10'000; ++i) {
        REQUIRE(in.deliver(std::make_unique<numbered_message>(numbered_message{0, i})));
      }
    });
    const auto in = box.new_input().on(here);
    const auto send = [](const auto& sender, std::uint32_t& count) -> by_hand {
      owned m = std::make_unique<numbered_message>(numbered_message{1, 0});
      if (co_await sender.deliver(std::move(m))) {
        ++count;
      }
    };
    for (int round = 0; round < 2'000; ++round) {
      std::vector<std::coroutine_handle<>> waiting_now;
      for (int i = 0; i < 5; ++i) {
        waiting_now.push_back(send(in, delivered).handle);
      }
      if (round % 3 == 0) {
        loop.run();
      }
      for (const auto h : waiting_now) {
        h.destroy();
      }
    }
    loop.run();
  }
  open.reset();
  receiver.join();
  CHECK(others >= delivered);
  CHECK(others <= 10'000);
}

TEST_CASE("a receiver destroyed while it waits leaves the box to the next one") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<int, blocking> box({2});
  auto in = box.new_input();
  for (int round = 0; round < 10'000; ++round) {
    std::optional<int> message;
    bool ended = false;
    {
      task<> t = receive_once(box.on(here), message, ended);
      const by_hand s = [](task<>& inner) -> by_hand { co_await inner; }(t);
      if (round % 2 == 0) {
        REQUIRE(in.deliver(int(round)));  // it was woken, and is destroyed before it goes on
      }
      s.handle.destroy();
    }
    loop.run();
    CHECK_FALSE(ended);
    if (round % 2 == 0) {
      REQUIRE(box.try_receive() == round);
    } else {
      REQUIRE_FALSE(box.try_receive());
    }
  }
}

TEST_CASE("senders that end in the middle of a race are each served or not, and all is counted") {
  boost::asio::thread_pool pool(2);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  for (int round = 0; round < 200; ++round) {
    message_box<int, blocking> box({1 + static_cast<std::size_t>(round) % 4});
    std::atomic<int> accepted = 0;
    int received = 0;
    std::stop_source stop;
    {
      task_group group(on_pool);
      for (int s = 0; s < 5; ++s) {
        group.spawn(
            [](auto in, std::atomic<int>& count, std::stop_token token, int which) -> task<> {
              for (int i = 0; i < 50; ++i) {
                const bool ok = which % 2 == 0 ? co_await in.deliver(int(i), token)
                                               : co_await in.deliver_for(int(i), 10us);
                count += ok ? 1 : 0;
              }
            }(box.new_input().on(on_pool), accepted, stop.get_token(), s));
      }
      while (received < round && box.receive()) {
        ++received;
      }
      if (round % 2 == 0) {
        stop.request_stop();
      } else {
        box.close();
      }
      group.wait();
    }
    while (box.receive()) {
      ++received;
    }
    REQUIRE(received == accepted);
  }
}

TEST_CASE("what a move throws reaches the coroutine whose message it was") {
  boost::asio::thread_pool pool(1);
  const scheduler on_pool = millrace::asio_executor(pool.get_executor());
  message_box<test::fragile, blocking> box({1});
  auto in = box.new_input();
  CHECK(in.deliver(test::fragile(1, 9)));
  task_group group(on_pool);
  group.spawn(
      [](auto sender) -> task<> { co_await sender.deliver(test::fragile(2, 0)); }(in.on(on_pool)));
  std::this_thread::sleep_for(5ms);
  CHECK(box.receive()->value == 1);
  CHECK_THROWS_AS(group.wait(), std::runtime_error);
  CHECK_FALSE(box.try_receive());  // frees the place that was claimed for it
  CHECK(in.deliver(test::fragile(3, 9)));
  CHECK(box.receive()->value == 3);
}

TEST_CASE("what a move throws reaches its coroutine also where that has let others run first") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  message_box<test::fragile, unlimited> box;
  int thrown = 0;
  task_group group(here);
  group.spawn([](auto in, int& count) -> task<> {
    for (int i = 0; i < 1000; ++i) {
      try {
        (void)co_await in.deliver(test::fragile(i, 0));
      } catch (const std::runtime_error&) {
        ++count;
      }
    }
  }(box.new_input().on(here), thrown));
  CHECK_NOTHROW(loop.run());
  CHECK(thrown == 1000);
}

TEST_CASE("a receiver does not fall asleep over room that what threw has left to others") {
  for (int throwing = 0; throwing < 8; ++throwing) {
    test::run_loop loop;
    const scheduler here = loop.executor();
    message_box<test::fragile, blocking> box({1});
    std::optional in(box.new_input());
    CHECK(in->deliver(test::fragile(0, 9)));
    std::vector<int> received;
    int refused = 0;
    task_group group(here);
    for (int i = 1; i <= throwing + 1; ++i) {
      group.spawn([](auto sender, test::fragile m, int& count) -> task<> {
        try {
          const bool delivered = co_await sender.deliver(std::move(m));
          CHECK(delivered);
        } catch (const std::runtime_error&) {
          ++count;
        }
      }(in->on(here), test::fragile(i, i <= throwing ? 1 : 99), refused));
    }
    loop.run();
    group.spawn([](auto inbox, std::vector<int>& to) -> task<> {
      while (const auto m = co_await inbox.receive()) {
        to.push_back(m->value);
      }
    }(box.on(here), received));
    in.reset();
    loop.run();
    CHECK(received == std::vector{0, throwing + 1});
    CHECK(refused == throwing);
    box.close();
    loop.run();
  }
}

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

namespace {
message_box<int, blocking> outlives_main({1});
}  // namespace

TEST_CASE("a box that outlives main may have been waited for with a time-out") {
  test::run_loop loop;
  const scheduler here = loop.executor();
  auto in = outlives_main.new_input();
  const auto wait = [](auto inbox) -> by_hand { (void)co_await inbox.receive_after(1h); };
  const auto waiting_now = wait(outlives_main.on(here));
  waiting_now.handle.destroy();
  CHECK_FALSE(outlives_main.try_receive());
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
