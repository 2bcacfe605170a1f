// The rings within one process, local_queue and growing_queue, without boxes around them.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/queue/growing_queue.hpp>
#include <millrace/queue/local_queue.hpp>

#include "box/messages.hpp"
#include "support/errors.hpp"
#include "support/printing.hpp"

using millrace::growing_queue;
using millrace::local_queue;
using millrace::status;
using test::counted;
using test::fragile;
using test::numbered_message;

TEST_CASE("a limit is meant exactly, for every number and across the wrap of the lap") {
  for (const std::size_t limit : {1u, 2u, 3u, 5u, 7u, 100u, 256u, 1000u}) {
    CAPTURE(limit);
    local_queue<std::uint64_t> q(limit);
    CHECK(q.limit() == limit);
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (int lap = 0; lap < 40; ++lap) {
      while (q.try_enqueue(in + 0) == status::ok) {
        ++in;
      }
      REQUIRE(in - out == limit);
      for (std::size_t i = 0; i < (limit + 1) / 2; ++i) {
        REQUIRE(q.try_dequeue() == out);
        ++out;
      }
    }
    while (const auto m = q.try_dequeue()) {
      REQUIRE(*m == out++);
    }
    CHECK(out == in);
  }
}

TEST_CASE("a limit that cannot be is refused") {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1} << 31}) {
    CHECK_THROWS_AS(local_queue<int>{limit}, millrace::error);
  }
}

TEST_CASE_TEMPLATE("a growing queue gives back in order whatever went in", T, std::uint64_t,
                   std::unique_ptr<std::uint64_t>) {
  const auto make = [](std::uint64_t n) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      return n;
    } else {
      return std::make_unique<std::uint64_t>(n);
    }
  };
  const auto value = [](const T& m) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      return m;
    } else {
      return *m;
    }
  };
  growing_queue<T> q;
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (const std::uint64_t burst : {1u, 15u, 16u, 17u, 31u, 33u, 2000u, 1u, 255u, 257u, 5000u}) {
    for (std::uint64_t i = 0; i < burst; ++i) {
      REQUIRE(q.try_enqueue(make(in++)) == status::ok);
    }
    while (in - out > burst / 3) {
      const auto m = q.try_dequeue();
      REQUIRE(m);
      REQUIRE(value(*m) == out++);
    }
  }
  while (const auto m = q.try_dequeue()) {
    REQUIRE(value(*m) == out++);
  }
  CHECK(out == in);
}

template <class Queue>
void closes(Queue& q) {
  CHECK(q.try_enqueue(counted(1)) == status::ok);
  CHECK(q.try_enqueue(counted(2)) == status::ok);
  CHECK_FALSE(q.closed());
  q.close();
  CHECK(q.closed());
  CHECK_FALSE(q.drained());
  counted late(3);
  CHECK(q.try_enqueue(std::move(late)) == status::closed);
  CHECK(late.value == 3);
  CHECK(q.try_dequeue()->value == 1);
  CHECK_FALSE(q.drained());
  CHECK(q.try_dequeue()->value == 2);
  CHECK(q.drained());
  CHECK_FALSE(q.try_dequeue());
  q.close();
  CHECK(q.drained());
}

TEST_CASE("nothing goes in after a close, and what went in before comes out") {
  local_queue<counted> bounded(3);
  closes(bounded);
  growing_queue<counted> growing;
  closes(growing);
}

TEST_CASE("a full queue leaves the message alone") {
  local_queue<std::unique_ptr<int>> q(1);
  CHECK(q.try_enqueue(std::make_unique<int>(1)) == status::ok);
  auto second = std::make_unique<int>(2);
  CHECK(q.try_enqueue(std::move(second)) == status::full);
  REQUIRE(second);
  CHECK(*second == 2);
}

TEST_CASE("messages that nobody takes are destroyed with their queue") {
  REQUIRE(counted::alive == 0);
  {
    local_queue<counted> q(5);
    growing_queue<counted> g;
    for (int i = 0; i < 4; ++i) {
      CHECK(q.try_enqueue(counted(i)) == status::ok);
    }
    for (int i = 0; i < 700; ++i) {
      CHECK(g.try_enqueue(counted(i)) == status::ok);
    }
    for (int i = 0; i < 3; ++i) {
      CHECK(q.try_dequeue()->value == i);
      CHECK(q.try_enqueue(counted(i + 4)) == status::ok);
      CHECK(g.try_dequeue()->value == i);
    }
    CHECK(counted::alive == 4 + 697);
  }
  CHECK(counted::alive == 0);
}

template <class Queue>
void survives_throwing_moves(Queue& q) {
  CHECK(q.try_enqueue(fragile(1, 9)) == status::ok);
  CHECK_THROWS_AS((void)q.try_enqueue(fragile(2, 0)), std::runtime_error);  // on its way in
  CHECK(q.try_enqueue(fragile(3, 1)) == status::ok);
  CHECK(q.try_enqueue(fragile(4, 9)) == status::ok);
  CHECK(q.ready());
  CHECK(q.try_dequeue()->value == 1);
  CHECK_THROWS_AS((void)q.try_dequeue(), std::runtime_error);  // number 3, on its way out
  CHECK(q.try_dequeue()->value == 4);
  CHECK_FALSE(q.ready());
  CHECK_FALSE(q.try_dequeue());
}

TEST_CASE("a message whose move throws is skipped, and costs its place only until then") {
  local_queue<fragile> bounded(4);
  for (int i = 0; i < 5; ++i) {
    survives_throwing_moves(bounded);
  }
  growing_queue<fragile> growing;
  for (int i = 0; i < 100; ++i) {
    survives_throwing_moves(growing);
  }
}

template <class Queue>
void keeps_order(Queue& q) {
  constexpr std::uint32_t senders = 3;
  constexpr std::uint32_t each = 20'000;
  std::vector<std::jthread> threads;
  for (std::uint32_t s = 0; s < senders; ++s) {
    threads.emplace_back([&q, s] {
      for (std::uint32_t i = 0; i < each; ++i) {
        while (q.try_enqueue(numbered_message{s, i}) != status::ok) {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<std::uint32_t> next(senders);
  for (std::uint32_t got = 0; got < senders * each;) {
    if (const auto m = q.try_dequeue()) {
      REQUIRE(m->number == next[m->sender]++);
      ++got;
    } else {
      std::this_thread::yield();
    }
  }
  CHECK_FALSE(q.try_dequeue());
}

TEST_CASE("threads enqueue at the same time, and each one's messages come out in order") {
  for (const std::size_t limit : {1u, 2u, 3u, 64u, 1000u}) {
    CAPTURE(limit);
    local_queue<numbered_message> q(limit);
    keeps_order(q);
  }
  growing_queue<numbered_message> g;
  keeps_order(g);
}

template <class Queue, class... Arguments>
void closes_among(Arguments... arguments) {
  for (int round = 0; round < 300; ++round) {
    Queue q(arguments...);
    std::atomic<int> accepted = 0;
    std::vector<std::jthread> threads;
    for (int s = 0; s < 2; ++s) {
      threads.emplace_back([&] {
        for (;;) {
          const status answer = q.try_enqueue(1);
          if (answer == status::closed) {
            return;
          }
          accepted += answer == status::ok ? 1 : 0;
        }
      });
    }
    threads.emplace_back([&] {
      while (accepted < round) {
        std::this_thread::yield();
      }
      q.close();
    });
    int received = 0;
    while (!q.drained()) {
      received += q.try_dequeue() ? 1 : 0;
    }
    threads.clear();
    REQUIRE_FALSE(q.try_dequeue());
    REQUIRE(received == accepted);
  }
}

TEST_CASE("what was accepted before a close is what comes out, however they race") {
  closes_among<local_queue<int>>(7);
  closes_among<growing_queue<int>>();
}
