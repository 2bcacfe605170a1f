// Round trips across the end of the ring, and across the end of the lap counter's 32 bits.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/detail/ring.hpp>
#include <millrace/millrace.hpp>

#include "queue/layout.hpp"
#include "support/bytes.hpp"
#include "support/damage.hpp"
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

namespace {

/// A queue whose next record begins at slot `index` of the last lap before the counter runs over,
/// and traffic that crosses it.
struct at_the_wrap {
  explicit at_the_wrap(std::size_t index) {
    constexpr auto laps = (std::uint64_t{1} << 32) - 1 - millrace::detail::first_lap;
    for (std::size_t i = 0; i < laps * slots + index; ++i) {
      round_trip(p, s, test::numbered(0));
    }
  }

  void cross() {
    for (std::uint32_t i = 0; i < 3 * slots; ++i) {
      REQUIRE(p.try_enqueue(test::numbered(i)) == status::ok);
      const auto m = s.dequeue();
      REQUIRE(m);
      REQUIRE(test::number_of(m->bytes()) == i);
    }
  }

  /// Nothing is left of what was there, not even a slot.
  void check_clean() {
    CHECK_FALSE(s.try_dequeue());
    CHECK(millrace::stat("q", directory.path()).used_slots == 0);
    round_trip(p, s, test::bytes(p.max_message_size()));
  }

  [[nodiscard]] millrace::queue_options options() const {
    auto all = directory.options(slots * block, block);
    all.patience = std::chrono::nanoseconds(0);
    return all;
  }

  test::scratch directory;
  publisher p{"q", options()};
  subscriber s{"q", options()};
};

/// Calls `body` for records of one slot and of some, everywhere in the last lap.
template <class Body>
void everywhere_at_the_wrap(Body body) {
  for (const std::size_t size : {100, 300}) {
    for (std::size_t index = 0; index < slots; ++index) {
      CAPTURE(size);
      CAPTURE(index);
      at_the_wrap here(index);
      body(here, test::pattern(size, index));
      here.check_clean();
    }
  }
}

}  // namespace

TEST_CASE("a message being written while the lap counter runs over arrives once") {
  everywhere_at_the_wrap([](at_the_wrap& here, const test::bytes& sent) {
    publisher slow("q", here.options());
    auto room = slow.try_reserve(sent.size());
    REQUIRE(room);
    here.cross();
    std::ranges::copy(sent, room->bytes().begin());
    REQUIRE(room->commit() == status::ok);
    const auto m = here.s.dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), sent));
    CHECK_FALSE(m->redelivered());
  });
}

TEST_CASE("what is given up before the lap counter runs over is padding no longer after it") {
  everywhere_at_the_wrap([](at_the_wrap& here, const test::bytes& sent) {
    { const auto given_up = here.p.try_reserve(sent.size()); }
    here.cross();
  });
}

TEST_CASE("a message being read while the lap counter runs over can be finished or given back") {
  everywhere_at_the_wrap([](at_the_wrap& here, const test::bytes& sent) {
    REQUIRE(here.p.try_enqueue(sent) == status::ok);
    REQUIRE(here.p.try_enqueue(sent) == status::ok);
    auto finished = here.s.try_dequeue();
    auto given_back = here.s.try_dequeue();
    REQUIRE(finished);
    REQUIRE(given_back);
    here.cross();
    CHECK(test::same(finished->bytes(), sent));
    finished.reset();
    given_back->requeue();
    // It came back; now the laps of others go over it.
    std::uint32_t count = 0;
    while (here.p.try_enqueue(test::numbered(count)) == status::ok) {
      ++count;
    }
    const auto again = here.s.try_dequeue();
    REQUIRE(again);
    CHECK(again->redelivered());
    CHECK(test::same(again->bytes(), sent));
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto m = here.s.try_dequeue();
      REQUIRE(m);
      CHECK(test::number_of(m->bytes()) == i);
    }
  });
}

TEST_CASE("a message given back before the lap counter runs over comes again after it") {
  everywhere_at_the_wrap([](at_the_wrap& here, const test::bytes& sent) {
    REQUIRE(here.p.try_enqueue(sent) == status::ok);
    auto m = here.s.try_dequeue();
    REQUIRE(m);
    m->requeue();
    std::uint32_t count = 0;  // without a look by any subscriber
    while (here.p.try_enqueue(test::numbered(count)) == status::ok) {
      ++count;
    }
    m = here.s.try_dequeue();
    REQUIRE(m);
    CHECK(m->redelivered());
    CHECK(test::same(m->bytes(), sent));
    m.reset();
    for (std::uint32_t i = 0; i < count; ++i) {
      m = here.s.try_dequeue();
      REQUIRE(m);
      CHECK(test::number_of(m->bytes()) == i);
    }
  });
}

TEST_CASE("a batch across the lap counter's end arrives whole") {
  everywhere_at_the_wrap([](at_the_wrap& here, const test::bytes& sent) {
    const std::vector<std::span<const std::byte>> batch(6, sent);
    REQUIRE(here.p.try_enqueue_batch(batch) == status::ok);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto m = here.s.try_dequeue();
      REQUIRE(m);
      CHECK(test::same(m->bytes(), sent));
    }
    here.cross();
  });
}

TEST_CASE(
    "what the dead had in their hands before the lap counter ran over is recovered after it") {
  using millrace::detail::state;
  constexpr std::uint32_t dead = 7;
  for (const state kind : {state::claimed, state::taken, state::clearing, state::revoked}) {
    CAPTURE(static_cast<int>(kind));
    everywhere_at_the_wrap([&](at_the_wrap& here, const test::bytes& sent) {
      // As a participant leaves it that died: forged, since who dies at a point of our choice
      // takes a process each.
      REQUIRE(here.p.try_enqueue(sent) == status::ok);
      const test::mapped_bytes memory(here.directory.path() / "q");
      for (std::size_t i = 0; i < slots; ++i) {
        const auto at = memory.word(millrace::detail::slots_offset + i * 128);
        const millrace::detail::word ready{at.load()};
        if (ready.is(state::ready)) {
          const std::uint32_t lap = ready.lap() + (kind == state::claimed ? 0 : 1);
          at.store(millrace::detail::word::make(lap, kind, dead, ready.span()).bits);
        }
      }
      memory.word(millrace::detail::participants_offset + dead * 128).store(1);  // dirty
      if (kind != state::taken) {
        here.cross();
      } else {
        std::uint32_t count = 0;  // nobody looks who lives
        while (here.p.try_enqueue(test::numbered(count)) == status::ok) {
          ++count;
        }
        const subscriber late("q", here.options());  // looks
        for (std::uint32_t i = 0; i <= count; ++i) {
          const auto m = here.s.dequeue();
          REQUIRE(m);
          CHECK(m->redelivered() == (i == 0));
          CHECK(test::same(m->bytes(), i == 0 ? sent : test::numbered(i - 1)));
        }
      }
      const subscriber late("q", here.options());
      CHECK(millrace::stat("q", here.directory.path()).recoveries == 1);
    });
  }
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
