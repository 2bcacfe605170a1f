// Much at once: a stream between two threads, and random calls beside a plain model.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "conformance/pair.hpp"
#include "support/bytes.hpp"

namespace conformance {

TEST_CASE_TEMPLATE_DEFINE("a stream between two threads arrives whole and in order", F, stream) {
  on_every_variant<F>([](F& pair) {
    constexpr std::uint32_t count = 1500;
    const auto size_of = [&](std::uint32_t i) {
      std::mt19937 random(i);
      const std::array<std::size_t, 3> bound{1, 64, 1000};
      return random() % ((random() % 16 == 0 ? pair.largest() : bound[random() % 3]) + 1);
    };
    std::jthread producer([&] {
      for (std::uint32_t i = 0; i < count; ++i) {
        if (pair.sink().enqueue(test::pattern(size_of(i), i), {}) != status::ok) {
          return;
        }
      }
    });
    for (std::uint32_t i = 0; i < count; ++i) {
      auto m = pair.source().dequeue();
      REQUIRE(m);
      REQUIRE(m->bytes().size() == size_of(i));
      REQUIRE(test::same(m->bytes(), test::pattern(size_of(i), i)));
    }
    CHECK_FALSE(pair.source().try_dequeue());
  });
}

// One thread does whatever comes to mind, beside a model of what must be in the queue.
TEST_CASE_TEMPLATE_DEFINE("random calls agree with a plain model", F, random_calls) {
  on_every_variant<F>([](F& pair) {
    struct held {
      loan_of<F> loan;
      std::uint32_t number;
    };
    std::mt19937 random(2024);
    const auto content = [&](std::uint32_t number) {
      std::mt19937 own(number);
      const std::array<std::size_t, 3> bound{4, 64, 1000};
      const std::size_t most = own() % 16 == 0 ? pair.largest() : bound[own() % 3];
      auto result = test::pattern(4 + own() % (most - 3), number);
      const auto head = test::numbered(number);
      std::copy(head.begin(), head.end(), result.begin());
      return result;
    };
    std::deque<std::uint32_t> waiting;   // never handed out
    std::set<std::uint32_t> given_back;  // to be delivered again, in any order
    std::vector<held> hands;
    std::uint32_t next = 0;
    const auto take = [&] {
      auto m = pair.source().try_dequeue();
      if (!m) {
        REQUIRE(pair.source().last_status() == status::empty);
        REQUIRE(waiting.empty());
        REQUIRE(given_back.empty());
        return false;
      }
      const auto number = test::number_of(m->bytes());
      REQUIRE(test::same(m->bytes(), content(number)));
      if (m->redelivered()) {
        REQUIRE(given_back.erase(number) == 1);
      } else {
        REQUIRE_FALSE(waiting.empty());
        REQUIRE(waiting.front() == number);
        waiting.pop_front();
      }
      hands.push_back({std::move(*m), number});
      return true;
    };
    for (int step = 0; step < 2500; ++step) {
      const auto what = random() % 8;
      if (what < 4) {
        const status s = pair.sink().try_enqueue(content(next));
        if (s == status::ok) {
          waiting.push_back(next++);
        } else {
          REQUIRE(s == status::full);
          REQUIRE((!waiting.empty() || !given_back.empty() || !hands.empty()));
        }
      } else if (what < 6 && hands.size() < 5) {
        take();
      } else if (!hands.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random() % hands.size());
        auto& one = hands[static_cast<std::size_t>(which)];
        if (random() % 4 == 0) {
          one.loan.requeue();
          given_back.insert(one.number);
        }
        hands.erase(hands.begin() + which);
      }
    }
    hands.clear();
    while (take()) {
      hands.clear();
    }
    // In the end it is empty, and a message of the largest size fits.
    CHECK(pair.sink().try_enqueue(test::pattern(pair.largest())) == status::ok);
  });
}

}  // namespace conformance
