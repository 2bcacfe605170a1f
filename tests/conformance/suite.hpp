// What every message_sink with its message_source must do, beyond having the right members.
//
// A kind of queue joins by a factory F and one line, MILLRACE_CONFORMANCE(F). F has:
//   F::sink_type, F::source_type     model message_sink, message_source
//   F::variant, with a member name   one way to set it up
//   F::variants()                    all of them
//   F(const variant&)                makes a fresh, empty connected pair
//   sink(), source()                 its ends
//   largest()                        bytes of the longest message it takes
//   edges()                          sizes near which it may change how it stores a message
// Everything here needs a bounded queue: one whose sink says full some day.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/queue/queue.hpp>

#include "support/bytes.hpp"
#include "support/printing.hpp"

namespace conformance {

using millrace::status;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

template <class F>
using loan_of =
    std::remove_cvref_t<decltype(*std::declval<typename F::source_type&>().try_dequeue())>;

/// Runs `body` on a fresh pair of every variant.
template <class F, class Body>
void on_every_variant(Body body) {
  for (const auto& variant : F::variants()) {
    INFO("variant: ", variant.name);
    F pair(variant);
    body(pair);
  }
}

/// Enqueues numbered messages of `size` bytes until full; how many went in.
template <class F>
std::uint32_t fill(F& pair, std::size_t size = 4, std::uint32_t first = 0) {
  std::uint32_t count = 0;
  status s = status::ok;
  while ((s = pair.sink().try_enqueue(test::numbered(first + count, size))) == status::ok) {
    ++count;
  }
  REQUIRE(s == status::full);
  return count;
}

/// Dequeues until empty and checks the numbers and sizes.
template <class F>
void drain(F& pair, std::uint32_t count, std::size_t size = 4, std::uint32_t first = 0) {
  for (std::uint32_t i = 0; i < count; ++i) {
    auto m = pair.source().try_dequeue();
    REQUIRE(m);
    REQUIRE(m->bytes().size() == size);
    REQUIRE(test::same(m->bytes(), test::numbered(first + i, size)));
    REQUIRE_FALSE(m->redelivered());
  }
  REQUIRE_FALSE(pair.source().try_dequeue());
  REQUIRE(pair.source().last_status() == status::empty);
}

template <class F>
std::vector<std::size_t> sizes(F& pair) {
  std::set<std::size_t> all{0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17};
  for (const std::size_t edge : pair.edges()) {
    all.insert({edge - 1, edge, edge + 1});
  }
  all.insert({pair.largest() - 1, pair.largest()});
  std::erase_if(all, [&](std::size_t size) { return size > pair.largest(); });
  return {all.begin(), all.end()};
}

TEST_CASE_TEMPLATE_DEFINE("the ends are a message_sink and a message_source", F, concepts) {
  CHECK(millrace::message_sink<typename F::sink_type>);
  CHECK(millrace::message_source<typename F::source_type>);
  CHECK(millrace::message_loan<loan_of<F>>);
}

TEST_CASE_TEMPLATE_DEFINE("a fresh queue is empty", F, fresh) {
  on_every_variant<F>([](F& pair) {
    CHECK_FALSE(pair.source().try_dequeue());
    CHECK(pair.source().last_status() == status::empty);
    CHECK_FALSE(pair.source().try_dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("messages come out in the order they went in", F, order) {
  on_every_variant<F>([](F& pair) {
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < 1 + round % 7; ++i) {
        REQUIRE(pair.sink().try_enqueue(test::numbered(sent)) == status::ok);
        ++sent;
      }
      for (int i = 0; received < sent && i < 1 + (round * 3) % 8; ++i) {
        auto m = pair.source().try_dequeue();
        REQUIRE(m);
        REQUIRE(test::number_of(m->bytes()) == received);
        ++received;
      }
    }
    drain(pair, sent - received, 4, received);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a message of zero bytes is a message", F, zero_bytes) {
  on_every_variant<F>([](F& pair) {
    REQUIRE(pair.sink().try_enqueue(test::bytes{}) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("x")) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::bytes{}) == status::ok);
    for (const std::size_t size : {0u, 1u, 0u}) {
      auto m = pair.source().try_dequeue();
      REQUIRE(m);
      CHECK(pair.source().last_status() == status::ok);
      CHECK(m->bytes().size() == size);
    }
    CHECK_FALSE(pair.source().try_dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("every size comes out as it went in", F, every_size) {
  on_every_variant<F>([](F& pair) {
    const auto all = sizes(pair);
    for (int round = 0; round < 3; ++round) {  // at other places of the queue each time
      for (const std::size_t size : all) {
        const auto sent = test::pattern(size, size + static_cast<std::size_t>(round));
        INFO("size ", size);
        REQUIRE(pair.sink().try_enqueue(sent) == status::ok);
        auto m = pair.source().try_dequeue();
        REQUIRE(m);
        REQUIRE(test::same(m->bytes(), sent));
        CHECK_FALSE(m->redelivered());
      }
    }
    CHECK_FALSE(pair.source().try_dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("sizes beyond the largest are too large and change nothing", F,
                          beyond_largest) {
  on_every_variant<F>([](F& pair) {
    for (const std::size_t excess : {std::size_t{1}, std::size_t{2}, pair.largest()}) {
      const test::bytes huge(pair.largest() + excess);
      CHECK(pair.sink().try_enqueue(huge) == status::too_large);
      CHECK(pair.sink().enqueue(huge, {}) == status::too_large);  // rather than wait for ever
      CHECK(pair.sink().enqueue_for(huge, 10s, {}) == status::too_large);
    }
    CHECK_FALSE(pair.source().try_dequeue());
    CHECK(pair.source().last_status() == status::empty);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("after")) == status::ok);
    auto m = pair.source().try_dequeue();
    REQUIRE(m);
    CHECK(test::as_text(m->bytes()) == "after");
  });
}

TEST_CASE_TEMPLATE_DEFINE("full is said in time, and all that went in comes out", F, full) {
  on_every_variant<F>([](F& pair) {
    for (const std::size_t size : sizes(pair)) {
      if (size < 4) {
        continue;  // too short for a number
      }
      INFO("size ", size);
      const auto count = fill(pair, size);
      CHECK(count >= 1);
      CHECK(pair.sink().try_enqueue(test::numbered(0, size)) == status::full);  // and again
      drain(pair, count, size);
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("the room of a finished message can be used again", F, room) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::uint32_t sent = count;
    for (std::uint32_t i = 0; i < 3 * count; ++i) {
      {
        auto m = pair.source().try_dequeue();
        REQUIRE(m);
        REQUIRE(test::number_of(m->bytes()) == i);
        // Still being read: its room is not free yet.
        REQUIRE(pair.sink().try_enqueue(test::numbered(sent)) == status::full);
      }
      REQUIRE(pair.sink().try_enqueue(test::numbered(sent++)) == status::ok);
      REQUIRE(pair.sink().try_enqueue(test::numbered(sent)) == status::full);
    }
    drain(pair, count, 4, 3 * count);
    CHECK(fill(pair) == count);  // nothing leaked
  });
}

TEST_CASE_TEMPLATE_DEFINE("a finished message never comes again", F, finished) {
  on_every_variant<F>([](F& pair) {
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("once")) == status::ok);
    REQUIRE(pair.source().try_dequeue());
    CHECK_FALSE(pair.source().try_dequeue());
    CHECK_FALSE(pair.source().dequeue_for(5ms));
  });
}

TEST_CASE_TEMPLATE_DEFINE("a message given back comes again, marked redelivered", F, given_back) {
  on_every_variant<F>([](F& pair) {
    for (const std::size_t size : sizes(pair)) {
      INFO("size ", size);
      const auto sent = test::pattern(size, 3);
      REQUIRE(pair.sink().try_enqueue(sent) == status::ok);
      for (int delivery = 0; delivery < 4; ++delivery) {
        auto m = pair.source().try_dequeue();
        REQUIRE(m);
        CHECK(m->redelivered() == (delivery > 0));
        REQUIRE(test::same(m->bytes(), sent));
        if (delivery < 3) {
          m->requeue();
        }
      }
      CHECK_FALSE(pair.source().try_dequeue());
      // Its place is as good as new: what follows there is not marked.
      REQUIRE(pair.sink().try_enqueue(sent) == status::ok);
      auto next = pair.source().try_dequeue();
      REQUIRE(next);
      CHECK_FALSE(next->redelivered());
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("a message given back among others is neither lost nor doubled", F,
                          given_back_among_others) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::vector<int> fresh(count);
    std::vector<int> again(count);
    std::mt19937 random(7);
    for (std::uint32_t finished = 0; finished < count;) {
      auto m = pair.source().try_dequeue();
      REQUIRE(m);
      const auto number = test::number_of(m->bytes());
      REQUIRE(number < count);
      ++(m->redelivered() ? again : fresh)[number];
      if (!m->redelivered() && random() % 3 == 0) {
        m->requeue();
      } else {
        ++finished;
      }
    }
    CHECK_FALSE(pair.source().try_dequeue());
    CHECK(std::all_of(fresh.begin(), fresh.end(), [](int n) { return n == 1; }));
    CHECK(std::all_of(again.begin(), again.end(), [](int n) { return n <= 1; }));
    CHECK(std::any_of(again.begin(), again.end(), [](int n) { return n == 1; }));
    CHECK(fill(pair) == count);
  });
}

TEST_CASE_TEMPLATE_DEFINE("loans may end in any order", F, loans_in_any_order) {
  on_every_variant<F>([](F& pair) {
    const auto all = fill(pair);
    drain(pair, all);
    std::array<std::size_t, 4> turn{0, 1, 2, 3};
    const std::array<std::size_t, 4> size{5, std::min<std::size_t>(300, pair.largest()), 60,
                                          pair.largest() / 8};
    do {
      std::array<std::optional<loan_of<F>>, 4> loans;
      for (std::size_t i = 0; i < 4; ++i) {
        REQUIRE(pair.sink().try_enqueue(test::pattern(size[i], i)) == status::ok);
      }
      for (auto& loan : loans) {
        loan = pair.source().try_dequeue();
        REQUIRE(loan);
      }
      REQUIRE(pair.sink().try_enqueue(test::as_bytes("behind")) == status::ok);
      for (const std::size_t i : turn) {
        for (std::size_t j = 0; j < 4; ++j) {  // the others stay readable
          if (loans[j]) {
            REQUIRE(test::same(loans[j]->bytes(), test::pattern(size[j], j)));
          }
        }
        loans[i].reset();
      }
      auto behind = pair.source().try_dequeue();
      REQUIRE(behind);
      REQUIRE(test::as_text(behind->bytes()) == "behind");
    } while (std::next_permutation(turn.begin(), turn.end()));
    CHECK_FALSE(pair.source().try_dequeue());
    CHECK(fill(pair) == all);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a held loan costs its own room only", F, held_loan) {
  on_every_variant<F>([](F& pair) {
    const auto whole = fill(pair);
    drain(pair, whole);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("held")) == status::ok);
    auto held = pair.source().try_dequeue();
    REQUIRE(held);
    for (std::uint32_t i = 0; i < 4 * whole; ++i) {  // several times around it
      REQUIRE(pair.sink().try_enqueue(test::numbered(i)) == status::ok);
      auto m = pair.source().try_dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
    const auto beside = fill(pair);
    CHECK(beside == whole - 1);
    drain(pair, beside);
    CHECK(test::as_text(held->bytes()) == "held");
    CHECK_FALSE(held->redelivered());
    held.reset();
    drain(pair, fill(pair));
    CHECK(fill(pair) == whole);
  });
}

TEST_CASE_TEMPLATE_DEFINE("loans can be moved", F, moved_loans) {
  on_every_variant<F>([](F& pair) {
    for (const auto* text : {"one", "two", "three"}) {
      REQUIRE(pair.sink().try_enqueue(test::as_bytes(text)) == status::ok);
    }
    auto one = pair.source().try_dequeue();
    auto two = pair.source().try_dequeue();
    REQUIRE(one);
    REQUIRE(two);
    loan_of<F> moved(std::move(*one));
    one.reset();  // ends nothing
    CHECK(test::as_text(moved.bytes()) == "one");
    moved = std::move(*two);  // ends "one"
    two.reset();
    CHECK(test::as_text(moved.bytes()) == "two");
    moved.requeue();
    bool two_again = false;
    bool three = false;
    for (int i = 0; i < 2; ++i) {
      auto m = pair.source().try_dequeue();
      REQUIRE(m);
      two_again |= m->redelivered() && test::as_text(m->bytes()) == "two";
      three |= !m->redelivered() && test::as_text(m->bytes()) == "three";
    }
    CHECK(two_again);
    CHECK(three);
    CHECK_FALSE(pair.source().try_dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("a wait for a message ends no earlier than its time", F,
                          wait_for_message) {
  on_every_variant<F>([](F& pair) {
    for (const auto time : {std::chrono::nanoseconds(-1s), std::chrono::nanoseconds(0ns),
                            std::chrono::nanoseconds(1us), std::chrono::nanoseconds(7ms)}) {
      const auto before = clock::now();
      CHECK_FALSE(pair.source().dequeue_for(time));
      CHECK(pair.source().last_status() == status::timeout);
      CHECK(clock::now() - before >= time);
    }
    // There is a message: no time is needed.
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("a")) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("b")) == status::ok);
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("c")) == status::ok);
    CHECK(pair.source().dequeue_for(0ns));
    CHECK(pair.source().dequeue_for(-1s));
    CHECK(pair.source().dequeue_for(std::chrono::nanoseconds::max()));
    CHECK(pair.source().last_status() == status::ok);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a wait for room ends no earlier than its time", F, wait_for_room) {
  on_every_variant<F>([](F& pair) {
    CHECK(pair.sink().enqueue_for(test::numbered(0), 0ns, {}) == status::ok);
    CHECK(pair.sink().enqueue_for(test::numbered(1), -1s, {}) == status::ok);
    CHECK(pair.sink().enqueue_for(test::numbered(2), std::chrono::nanoseconds::max(), {}) ==
          status::ok);
    const auto count = 3 + fill(pair, 4, 3);
    for (const auto time : {std::chrono::nanoseconds(-1s), std::chrono::nanoseconds(0ns),
                            std::chrono::nanoseconds(7ms)}) {
      const auto before = clock::now();
      CHECK(pair.sink().enqueue_for(test::as_bytes("late"), time, {}) == status::timeout);
      CHECK(clock::now() - before >= time);
    }
    drain(pair, count);  // nothing of what timed out
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop that was asked for before ends a wait", F, stopped_before) {
  on_every_variant<F>([](F& pair) {
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(pair.source().dequeue(stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
    CHECK_FALSE(pair.source().dequeue_for(10s, stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
    const auto count = fill(pair);
    CHECK(pair.sink().enqueue(test::as_bytes("no"), stop.get_token()) == status::cancelled);
    CHECK(pair.sink().enqueue_for(test::as_bytes("no"), 10s, stop.get_token()) ==
          status::cancelled);
    drain(pair, count);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop ends a wait for a message", F, stopped_consumer) {
  on_every_variant<F>([](F& pair) {
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(15ms);
      stop.request_stop();
    });
    CHECK_FALSE(pair.source().dequeue(stop.get_token()));
    CHECK(pair.source().last_status() == status::cancelled);
    // The handle is as good as before.
    REQUIRE(pair.sink().try_enqueue(test::as_bytes("x")) == status::ok);
    CHECK(pair.source().dequeue());
  });
}

TEST_CASE_TEMPLATE_DEFINE("a stop ends a wait for room", F, stopped_producer) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(15ms);
      stop.request_stop();
    });
    CHECK(pair.sink().enqueue_for(test::as_bytes("no"), 1h, stop.get_token()) == status::cancelled);
    drain(pair, count);
    CHECK(pair.sink().enqueue(test::as_bytes("yes"), {}) == status::ok);
  });
}

TEST_CASE_TEMPLATE_DEFINE("a waiting consumer wakes on a message", F, consumer_wakes) {
  on_every_variant<F>([](F& pair) {
    for (const auto pause : {0ms, 5ms}) {  // spinning or asleep by then
      std::jthread producer([&] {
        std::this_thread::sleep_for(pause);
        CHECK(pair.sink().enqueue(test::as_bytes("wake"), {}) == status::ok);
      });
      auto m = pair.source().dequeue();
      REQUIRE(m);
      CHECK(test::as_text(m->bytes()) == "wake");
    }
    // A time so long that adding it to now would overflow is as good as none.
    std::jthread producer([&] {
      std::this_thread::sleep_for(2ms);
      CHECK(pair.sink().enqueue(test::as_bytes("long"), {}) == status::ok);
    });
    CHECK(pair.source().dequeue_for(std::chrono::nanoseconds::max()));
  });
}

TEST_CASE_TEMPLATE_DEFINE("a waiting producer wakes on room", F, producer_wakes) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    std::jthread producer([&] {
      CHECK(pair.sink().enqueue(test::numbered(count), {}) == status::ok);
      CHECK(pair.sink().enqueue_for(test::numbered(count + 1), 1h, {}) == status::ok);
    });
    std::this_thread::sleep_for(5ms);
    for (std::uint32_t i = 0; i < count + 2; ++i) {
      auto m = pair.source().dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("a producer that waits for much room gets it", F, producer_of_much) {
  on_every_variant<F>([](F& pair) {
    const auto count = fill(pair);
    const auto much = test::pattern(pair.largest(), 5);
    std::jthread producer([&] { CHECK(pair.sink().enqueue(much, {}) == status::ok); });
    for (std::uint32_t i = 0; i < count; ++i) {
      auto m = pair.source().dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
    auto m = pair.source().dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), much));
  });
}

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

#define MILLRACE_CONFORMANCE(...)                                                                  \
  namespace conformance {                                                                          \
  TEST_CASE_TEMPLATE_INVOKE(concepts, __VA_ARGS__);                                                \
  TEST_CASE_TEMPLATE_INVOKE(fresh, __VA_ARGS__);                                                   \
  TEST_CASE_TEMPLATE_INVOKE(order, __VA_ARGS__);                                                   \
  TEST_CASE_TEMPLATE_INVOKE(zero_bytes, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(every_size, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(beyond_largest, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(full, __VA_ARGS__);                                                    \
  TEST_CASE_TEMPLATE_INVOKE(room, __VA_ARGS__);                                                    \
  TEST_CASE_TEMPLATE_INVOKE(finished, __VA_ARGS__);                                                \
  TEST_CASE_TEMPLATE_INVOKE(given_back, __VA_ARGS__);                                              \
  TEST_CASE_TEMPLATE_INVOKE(given_back_among_others, __VA_ARGS__);                                 \
  TEST_CASE_TEMPLATE_INVOKE(loans_in_any_order, __VA_ARGS__);                                      \
  TEST_CASE_TEMPLATE_INVOKE(held_loan, __VA_ARGS__);                                               \
  TEST_CASE_TEMPLATE_INVOKE(moved_loans, __VA_ARGS__);                                             \
  TEST_CASE_TEMPLATE_INVOKE(wait_for_message, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(wait_for_room, __VA_ARGS__);                                           \
  TEST_CASE_TEMPLATE_INVOKE(stopped_before, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(stopped_consumer, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(stopped_producer, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(consumer_wakes, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(producer_wakes, __VA_ARGS__);                                          \
  TEST_CASE_TEMPLATE_INVOKE(producer_of_much, __VA_ARGS__);                                        \
  TEST_CASE_TEMPLATE_INVOKE(stream, __VA_ARGS__);                                                  \
  TEST_CASE_TEMPLATE_INVOKE(random_calls, __VA_ARGS__);                                            \
  }                                                                                                \
  static_assert(true, "")
