// One at a time: what goes in comes out, in order, of every size that fits, until full.
#pragma once

#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include "conformance/pair.hpp"
#include "support/bytes.hpp"

namespace conformance {

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
      for (int i = 0; i < 1 + round % 7 && sent - received < pair.room(); ++i) {
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
  on_every_variant<F, 3>([](F& pair) {
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
        if (F::in_place) {  // still being read: its room is not free yet
          REQUIRE(pair.sink().try_enqueue(test::numbered(sent)) == status::full);
        }
      }
      REQUIRE(pair.sink().try_enqueue(test::numbered(sent++)) == status::ok);
      REQUIRE(pair.sink().try_enqueue(test::numbered(sent)) == status::full);
    }
    drain(pair, count, 4, 3 * count);
    CHECK(fill(pair) == count);  // nothing leaked
  });
}

}  // namespace conformance
