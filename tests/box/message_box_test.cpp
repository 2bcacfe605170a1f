// Boxes and their inputs, between threads.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>
#include <millrace/detail/atomics.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "support/printing.hpp"

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;
using millrace::non_blocking;
using millrace::status;
using millrace::unlimited;
using millrace::waiting;
using test::numbered_message;
using steady = std::chrono::steady_clock;
using text = std::unique_ptr<std::string>;

namespace {

text make(const char* s) {
  return std::make_unique<std::string>(s);
}

/// Runs `body` with an empty box of every policy.
template <class T, class Body>
void for_every_policy(Body body) {
  for (const std::size_t limit : {1u, 2u, 3u, 256u}) {
    CAPTURE(limit);
    message_box<T, blocking> b({limit});
    body(b);
    message_box<T, waiting> w({limit, 10s});
    body(w);
  }
  message_box<T, unlimited> u;
  body(u);
}

}  // namespace

TEST_CASE("messages of a movable type come out in their order, and then none") {
  for_every_policy<text>([](auto& box) {
    {
      auto in = box.new_input();
      for (int i = 0; i < 1000; ++i) {
        CHECK_FALSE(box.try_receive());
        REQUIRE(in.deliver(make("one")));
        const auto m = box.receive();
        REQUIRE(m);
        CHECK(**m == "one");
      }
      REQUIRE(in.deliver(make("last")));
    }
    CHECK(**box.receive() == "last");
    CHECK_FALSE(box.receive());  // and does not wait
    CHECK_FALSE(box.try_receive());
  });
}

TEST_CASE("a box without inputs gives nothing, and begins again with a new one") {
  message_box<int> box;
  CHECK_FALSE(box.receive());
  {
    auto in = box.new_input();
    CHECK(in.deliver(1));
  }
  CHECK(box.receive() == 1);
  CHECK_FALSE(box.receive());
  auto in = box.new_input();
  CHECK(in.deliver(2));
  CHECK(box.receive() == 2);
  CHECK_FALSE(box.receive_after(1ms));  // waits, as there is an input
}

TEST_CASE("the last input's going wakes a waiting receiver") {
  for (const auto pause : {0ms, 5ms}) {
    message_box<int, blocking> box({1});
    std::jthread sender([in = box.new_input(), also = box.new_input(), pause]() mutable {
      auto copy = in;
      auto moved = std::move(also);
      copy = moved;
      std::this_thread::sleep_for(pause);
    });
    CHECK_FALSE(box.receive());
  }
}

TEST_CASE("a non-blocking box takes exactly its limit and says false at once") {
  for (const std::size_t limit : {1u, 2u, 3u, 7u, 100u}) {
    message_box<text, non_blocking> box({limit});
    auto in = box.new_input();
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < limit; ++i) {
        REQUIRE(in.deliver(make("x")));
      }
      auto more = make("more");
      CHECK_FALSE(in.deliver(std::move(more)));
      REQUIRE(more);  // handed back
      CHECK(*more == "more");
      CHECK(box.try_receive());
      CHECK(in.deliver(std::move(more)));
      CHECK_FALSE(more);
      while (box.try_receive()) {
      }
    }
  }
}

TEST_CASE("a waiting box hands a message back no earlier than its time") {
  message_box<text, waiting> box({.limit = 2, .deliver_within = 15ms, .receive_within = 10ms});
  auto in = box.new_input();
  CHECK(in.deliver(make("1")));
  CHECK(in.deliver(make("2")));
  auto third = make("3");
  auto before = steady::now();
  CHECK_FALSE(in.deliver(std::move(third)));
  CHECK(steady::now() - before >= 15ms);
  REQUIRE(third);
  CHECK(in.try_for(std::move(third), 3ms) == status::timeout);
  CHECK(in.try_for(std::move(third), 0ms) == status::full);
  CHECK(*third == "3");
  CHECK(**box.receive() == "1");
  CHECK(**box.receive() == "2");
  before = steady::now();
  CHECK_FALSE(box.receive());
  CHECK(steady::now() - before >= 10ms);
  before = steady::now();
  CHECK_FALSE(box.receive_after(5ms));
  CHECK(steady::now() - before >= 5ms);
  CHECK_FALSE(box.receive_after(-1s));
}

TEST_CASE("room wakes those who wait for it") {
  message_box<int, blocking> box({1});
  CHECK(box.new_input().deliver(0));
  std::vector<std::jthread> senders;
  for (int i = 1; i <= 3; ++i) {
    senders.emplace_back([in = box.new_input(), i]() mutable { CHECK(in.deliver(int(i))); });
  }
  std::this_thread::sleep_for(20ms);  // most often asleep by then
  int sum = 0;
  for (const int m : box) {
    sum += m;
  }
  CHECK(sum == 6);
}

// Coroutines, as only of them is it sure which one came first.
TEST_CASE("room goes to those who wait for it in the order in which they came") {
  test::run_loop loop;
  const millrace::scheduler here = loop.executor();
  message_box<int, blocking> box({1});
  CHECK(box.new_input().deliver(0));
  {
    millrace::task_group senders(here);
    for (int i = 1; i <= 3; ++i) {
      senders.spawn([](auto in, int m) -> millrace::task<> {
        const bool delivered = co_await in.deliver(std::move(m));
        CHECK(delivered);
      }(box.new_input().on(here), i));
    }
    loop.run();
    for (int i = 0; i <= 3; ++i) {
      CHECK(box.receive() == i);
    }
    loop.run();
  }
  CHECK_FALSE(box.receive());
}

TEST_CASE("a message wakes a receiver that sleeps") {
  for (const auto pause : {0ms, 1ms, 5ms}) {
    for_every_policy<int>([&](auto& box) {
      std::jthread sender([in = box.new_input(), pause]() mutable {
        std::this_thread::sleep_for(pause);
        CHECK(in.deliver(1));
        std::this_thread::sleep_for(pause);
        CHECK(in.deliver(2));
      });
      CHECK(box.receive() == 1);
      CHECK(box.receive_after(1h) == 2);
    });
  }
}

TEST_CASE("close tells both sides, and what was accepted is received") {
  message_box<text, blocking> box({2});
  auto in = box.new_input();
  CHECK(in.deliver(make("1")));
  CHECK(in.deliver(make("2")));
  std::jthread waits([in = box.new_input()]() mutable {
    auto m = make("3");
    CHECK_FALSE(in.deliver(std::move(m)));
    CHECK(*m == "3");
  });
  std::this_thread::sleep_for(10ms);
  CHECK_FALSE(in.closed());
  box.close();
  waits.join();
  CHECK(in.closed());
  CHECK(box.closed());
  auto late = make("late");
  CHECK_FALSE(in.deliver(std::move(late)));
  CHECK(in.try_for(std::move(late), 1s) == status::closed);
  CHECK(*late == "late");
  CHECK(**box.receive() == "1");
  CHECK(**box.receive() == "2");
  CHECK_FALSE(box.receive());

  message_box<int> empty;
  auto other = empty.new_input();
  std::jthread closer([&] {
    std::this_thread::sleep_for(5ms);
    empty.close();
  });
  CHECK_FALSE(empty.receive());
}

TEST_CASE("inputs outlive their box, and say that it is gone") {
  std::optional<message_box<text, blocking>> box(std::in_place, blocking{3});
  auto in = box->new_input();
  CHECK(in.deliver(make("1")));
  message_box<text, blocking> moved = std::move(*box);
  box.reset();
  CHECK(in.deliver(make("2")));
  CHECK(**moved.receive() == "1");
  moved = message_box<text, blocking>({1});
  CHECK(in.closed());
  CHECK_FALSE(in.deliver(make("3")));
  auto copy = in;
  CHECK_FALSE(copy.deliver(make("4")));
}

TEST_CASE("a stop ends every wait") {
  message_box<text, blocking> box({1});
  auto in = box.new_input();
  const auto stopped_before_and_while = [](auto wait) {
    std::stop_source stop;
    stop.request_stop();
    wait(stop.get_token());
    stop = {};
    const std::jthread stopper([&stop] {
      std::this_thread::sleep_for(10ms);
      stop.request_stop();
    });
    wait(stop.get_token());
  };
  stopped_before_and_while([&](const auto& stop) { CHECK_FALSE(box.receive(stop)); });
  CHECK(in.deliver(make("1")));
  stopped_before_and_while([&](const auto& stop) {
    auto m = make("2");
    CHECK(in.try_for(std::move(m), 1h, stop) == status::cancelled);
    CHECK(*m == "2");
  });
  CHECK(**box.receive() == "1");
  CHECK(in.deliver(make("3")));
  CHECK(**box.receive() == "3");
  CHECK_FALSE(box.try_receive());
}

TEST_CASE("a future is ready or not, can be waited for, and loses nothing when it is dropped") {
  message_box<text, blocking> box({3});
  auto in = box.new_input();
  auto next = box.try_receive_future();
  CHECK_FALSE(next.ready());
  CHECK_FALSE(next.try_get());
  CHECK_FALSE(next.wait_for(1ms));
  CHECK(in.deliver(make("1")));
  CHECK(next.ready());
  CHECK(next.wait_for(0ms));
  {
    const auto dropped = box.try_receive_future();
    CHECK(dropped.ready());
  }
  CHECK(**next.try_get() == "1");
  std::jthread later([&] {
    std::this_thread::sleep_for(5ms);
    CHECK(in.deliver(make("2")));
    CHECK(in.deliver(make("3")));
  });
  CHECK(next.wait_for(1h));
  CHECK(**next.get() == "2");
  CHECK(**box.try_receive_future().get() == "3");
  box.close();
  CHECK(next.ready());
  CHECK_FALSE(next.get());
}

TEST_CASE("a loop over a box takes all its messages") {
  message_box<text, blocking> box({2});
  std::jthread sender([in = box.new_input()]() mutable {
    for (int i = 0; i < 100; ++i) {
      CHECK(in.deliver(std::make_unique<std::string>(std::to_string(i))));
    }
  });
  int count = 0;
  for (auto&& m : box) {
    CHECK(*m == std::to_string(count++));
  }
  CHECK(count == 100);
}

TEST_CASE("what a message's move throws reaches whoever moved it, and nobody else") {
  message_box<test::fragile, blocking> box({1});
  auto in = box.new_input();
  CHECK_THROWS_AS(in.deliver(test::fragile(1, 0)), std::runtime_error);
  CHECK_FALSE(in.try_deliver(test::fragile(2, 9)));  // its place is taken until somebody receives
  CHECK_FALSE(box.try_receive());
  CHECK(in.deliver(test::fragile(2, 9)));
  CHECK(box.receive()->value == 2);

  // A sender that waits gets what its message throws when the receiver moves it.
  CHECK(in.deliver(test::fragile(3, 9)));
  std::jthread waits([in = box.new_input()]() mutable {
    CHECK_THROWS_AS(in.deliver(test::fragile(4, 0)), std::runtime_error);
    CHECK(in.deliver(test::fragile(5, 9)));
  });
  std::this_thread::sleep_for(10ms);
  CHECK(box.receive()->value == 3);
  CHECK(box.receive()->value == 5);

  // A receiver asleep while its box fills with nothing but what threw.
  std::jthread throws([in = box.new_input()]() mutable {
    std::this_thread::sleep_for(5ms);
    for (int i = 0; i < 5; ++i) {
      CHECK_THROWS_AS(in.deliver(test::fragile(6, 0)), std::runtime_error);
    }
    CHECK(in.deliver(test::fragile(7, 9)));
  });
  CHECK(box.receive()->value == 7);
}

TEST_CASE("every input's messages arrive once and in order, whoever else sends") {
  for_every_policy<numbered_message>([](auto& box) {
    constexpr std::uint32_t senders = 5;
    constexpr std::uint32_t each = 2000;
    std::vector<std::jthread> threads;
    for (std::uint32_t s = 0; s < senders; ++s) {
      threads.emplace_back([in = box.new_input(), s]() mutable {
        for (std::uint32_t i = 0; i < each; ++i) {
          REQUIRE(in.deliver(numbered_message{s, i}));
        }
      });
    }
    std::vector<std::uint32_t> next(senders);
    while (const auto m = box.receive()) {
      REQUIRE(m->number == next[m->sender]++);
    }
    for (const auto n : next) {
      CHECK(n == each);
    }
  });
}

TEST_CASE("whatever ends a box, what was accepted is received and the rest handed back") {
  for (int round = 0; round < 400; ++round) {
    message_box<text, blocking> box({1 + static_cast<std::size_t>(round) % 3});
    std::atomic<int> accepted = 0;
    std::vector<std::jthread> senders;
    for (int s = 0; s < 3; ++s) {
      senders.emplace_back([&accepted, in = box.new_input(), round, s]() mutable {
        for (int i = 0; i < 50; ++i) {
          auto m = make("m");
          const status answer = round % 2 == 0 || s == 0 ? in.try_for(std::move(m), 1h)
                                                         : in.try_for(std::move(m), 1us);
          REQUIRE((answer == status::ok) == (m == nullptr));
          accepted += answer == status::ok ? 1 : 0;
          if (answer == status::closed) {
            return;
          }
        }
      });
    }
    int received = 0;
    while (received < round % 150 && box.receive()) {
      ++received;
    }
    box.close();
    while (box.receive()) {
      ++received;
    }
    senders.clear();
    REQUIRE(received == accepted);
  }
}

TEST_CASE("ten thousand senders killed while they deliver take nothing of the others' with them") {
  constexpr std::uint32_t killed = 10'000;
  message_box<std::unique_ptr<numbered_message>, blocking> box({2});
  std::uint32_t accepted = 0;
  std::jthread survivor([in = box.new_input()]() mutable {
    for (std::uint32_t i = 0; i < killed; ++i) {
      REQUIRE(in.deliver(std::make_unique<numbered_message>(numbered_message{0, i})));
    }
  });
  std::jthread killer([in = box.new_input(), &accepted]() mutable {
    for (std::uint32_t i = 0; i < killed; ++i) {
      const std::jthread victim([&](const std::stop_token& stop) {
        auto m = std::make_unique<numbered_message>(numbered_message{1, i});
        const bool delivered = in.deliver(std::move(m), stop);
        REQUIRE(delivered == (m == nullptr));
        accepted += delivered ? 1 : 0;
      });
      for (std::uint32_t wait = i * 7 % 100; wait != 0; --wait) {
        millrace::detail::native_atomics::pause();
      }
    }  // its destructor asks for a stop
  });
  std::uint32_t next = 0;
  std::uint32_t others = 0;
  std::uint32_t last = 0;
  while (const auto m = box.receive()) {
    REQUIRE((*m != nullptr));
    if ((*m)->sender == 0) {
      REQUIRE((*m)->number == next++);
    } else {
      REQUIRE((others++ == 0 || (*m)->number > last));
      last = (*m)->number;
    }
  }
  killer.join();
  CHECK(next == killed);
  CHECK(others == accepted);
}
