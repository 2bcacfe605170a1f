// Round trips across the end of the ring, and across the end of the lap counter's 32 bits.
#include <cstdint>

#include <doctest/doctest.h>

#include <millrace/detail/ring.hpp>
#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/every_role.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"

using millrace::publisher;
using millrace::status;
using millrace::subscriber;

namespace {

constexpr std::size_t slots = 64;
constexpr std::size_t block = 64;

void round_trip(publisher& p, subscriber& s, const test::bytes& sent) {
  REQUIRE(p.try_enqueue(sent) == status::ok);
  auto m = s.try_dequeue();
  REQUIRE(m);
  REQUIRE(test::same(m->bytes(), sent));
}

}  // namespace

TEST_CASE("every span goes through at every index") {
  test::for_every_role(slots * block, block, [](publisher& p, subscriber& s) {
    std::size_t at = 0;  // the index the next message begins at, as far as nothing wraps
    for (std::size_t span = 1; span <= slots / 2; ++span) {
      for (std::size_t index = 0; index < slots; ++index) {
        CAPTURE(span);
        CAPTURE(index);
        while (at != index) {
          round_trip(p, s, test::bytes(1));
          at = (at + 1) % slots;
        }
        // Both ends of the sizes that take this span, one after the other and both at once.
        const auto most = test::pattern(span * block, index);
        const auto least = test::pattern(span == 1 ? 0 : (span - 1) * block + 1, span);
        round_trip(p, s, most);
        at = (index + span <= slots ? index + span : span) % slots;
        if (span <= slots / 4) {
          REQUIRE(p.try_enqueue(least) == status::ok);
          REQUIRE(p.try_enqueue(most) == status::ok);
          for (const auto* expected : {&least, &most}) {
            auto m = s.try_dequeue();
            REQUIRE(m);
            REQUIRE(test::same(m->bytes(), *expected));
            at = (at + span <= slots ? at + span : span) % slots;
          }
        }
      }
    }
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("the lap counter runs over without anybody noticing") {
  // Otherwise this test does not get there.
  static_assert((std::uint64_t{1} << 32) - millrace::detail::first_lap <= 1000);
  const auto laps =
      static_cast<std::size_t>((std::uint64_t{1} << 32) - millrace::detail::first_lap);
  test::for_every_role(slots * block, block, [&](publisher& p, subscriber& s) {
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    while (sent < (laps + 20) * slots) {  // full rings all the way
      while (p.try_enqueue(test::numbered(sent, 4 + sent % 100)) == status::ok) {
        ++sent;
      }
      CHECK(p.last_status() == status::full);
      for (int i = 0; i < 11; ++i) {
        auto m = s.try_dequeue();
        REQUIRE(m);
        REQUIRE(m->bytes().size() == 4 + received % 100);
        REQUIRE(test::number_of(m->bytes()) == received++);
      }
    }
    while (auto m = s.try_dequeue()) {
      REQUIRE(test::number_of(m->bytes()) == received++);
    }
    CHECK(received == sent);
  });
}

TEST_CASE("a loan held while the lap counter runs over stays good") {
  test::for_every_role(slots * block, block, [](publisher& p, subscriber& s) {
    REQUIRE(p.try_enqueue(test::pattern(300, 9)) == status::ok);
    auto held = s.try_dequeue();
    REQUIRE(held);
    for (std::uint32_t i = 0; i < 100 * slots; ++i) {
      round_trip(p, s, test::numbered(i));
    }
    CHECK(test::same(held->bytes(), test::pattern(300, 9)));
    held->requeue();
    auto again = s.try_dequeue();
    REQUIRE(again);
    CHECK(again->redelivered());
    CHECK(test::same(again->bytes(), test::pattern(300, 9)));
    again.reset();
    CHECK_FALSE(s.try_dequeue());
    CHECK(p.try_enqueue(test::bytes(p.max_message_size())) == status::ok);
  });
}

TEST_CASE("a handle that joins late or sleeps for many laps finds its place") {
  test::scratch directory;
  const auto options = directory.options(slots * block, block);
  publisher p("q", options);
  subscriber s("q", options);
  publisher sleepy("q", options);
  subscriber drowsy("q", options);
  for (std::uint32_t i = 0; i < 50 * slots + 17; ++i) {
    round_trip(p, s, test::numbered(i));
  }
  CHECK_FALSE(drowsy.try_dequeue());
  REQUIRE(sleepy.try_enqueue("late") == status::ok);
  publisher newcomer("q", options);
  subscriber young("q", options);
  REQUIRE(newcomer.try_enqueue("later") == status::ok);
  auto late = drowsy.try_dequeue();
  REQUIRE(late);
  CHECK(late->text() == "late");
  auto later = young.try_dequeue();
  REQUIRE(later);
  CHECK(later->text() == "later");
}
