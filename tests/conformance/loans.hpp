// Messages in the receiver's hands: finished, given back, in any order, for as long as it likes.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "conformance/pair.hpp"
#include "support/bytes.hpp"

namespace conformance {

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
  on_every_variant<F, 5>([](F& pair) {
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
    CHECK(beside == (F::in_place ? whole - 1 : whole));
    drain(pair, beside);
    CHECK(test::as_text(held->bytes()) == "held");
    CHECK_FALSE(held->redelivered());
    held.reset();
    drain(pair, fill(pair));
    CHECK(fill(pair) == whole);
  });
}

TEST_CASE_TEMPLATE_DEFINE("loans can be moved", F, moved_loans) {
  on_every_variant<F, 3>([](F& pair) {
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

}  // namespace conformance
