// Writing messages in place: reserve, commit, abort, and what happens to one who takes too long.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/every_role.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::reservation;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;

namespace {

void write(reservation& room, std::string_view text) {
  REQUIRE(room.bytes().size() >= text.size());
  std::memcpy(room.bytes().data(), text.data(), text.size());
}

}  // namespace

TEST_CASE("what is written into a reservation arrives when committed, not before") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    for (const std::size_t size : {0u, 1u, 48u, 49u, 64u, 65u, 112u, 113u, 1000u, 2048u}) {
      CAPTURE(size);
      auto room = p.try_reserve(size);
      REQUIRE(room);
      CHECK(p.last_status() == status::ok);
      REQUIRE(room->bytes().size() == size);
      CHECK(reinterpret_cast<std::uintptr_t>(room->bytes().data()) % 16 == 0);
      const auto sent = test::pattern(size, size);
      std::copy(sent.begin(), sent.end(), room->bytes().begin());
      CHECK_FALSE(s.try_dequeue());
      CHECK(room->commit() == status::ok);
      auto m = s.try_dequeue();
      REQUIRE(m);
      CHECK(test::same(m->bytes(), sent));
    }
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("a commit may use less than was reserved") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    for (const std::size_t used : {0u, 1u, 47u, 48u, 49u, 64u, 65u, 112u, 113u, 499u, 500u}) {
      CAPTURE(used);
      auto room = p.try_reserve(500);
      REQUIRE(room);
      const auto sent = test::pattern(500, used);
      std::copy(sent.begin(), sent.end(), room->bytes().begin());
      CHECK(room->commit(used) == status::ok);
      auto m = s.try_dequeue();
      REQUIRE(m);
      CHECK(test::same(m->bytes(), std::span(sent).first(used)));
    }
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("a commit of more than was reserved is too large and leaves the reservation open") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    auto room = p.try_reserve(10);
    REQUIRE(room);
    write(*room, "0123456789");
    CHECK(room->commit(11) == status::too_large);
    CHECK(room->commit(p.max_message_size() + 1) == status::too_large);
    CHECK_FALSE(s.try_dequeue());
    CHECK(room->commit() == status::ok);
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(m->text() == "0123456789");
  });
}

TEST_CASE("a reservation is committed once") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    auto room = p.try_reserve(1);
    REQUIRE(room);
    write(*room, "x");
    CHECK(room->commit() == status::ok);
    CHECK_ERROR(errc::closed, room->commit());
    CHECK_ERROR(errc::closed, room->commit(0));
    room.reset();
    CHECK(s.try_dequeue());
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("a reservation that is not committed delivers nothing and gives its room back") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    for (int i = 0; i < 500; ++i) {  // several times around the ring
      auto room = p.try_reserve(static_cast<std::size_t>(i) * 4);
      REQUIRE(room);
      room.reset();
      CHECK_FALSE(s.try_dequeue());
    }
    CHECK(p.try_enqueue(test::bytes(p.max_message_size())) == status::ok);
    CHECK(s.try_dequeue());
  });
}

TEST_CASE("aborted reservations fill nothing up though nobody subscribes") {
  test::scratch directory;
  publisher p("q", directory.options(64 * 64, 64));
  for (int i = 0; i < 1000; ++i) {
    auto room = p.try_reserve(static_cast<std::size_t>(i * 37) % 2049);
    REQUIRE(room);
  }
  CHECK(millrace::stat("q", directory.path()).depth == 0);
}

TEST_CASE("a publisher has one reservation at most, and nothing overtakes it") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    auto room = p.try_reserve(5);
    REQUIRE(room);
    const auto x = test::as_bytes("x");
    const std::span<const std::byte> batch[] = {x};
    CHECK_ERROR(errc::invalid_option, p.try_reserve(5));
    CHECK_ERROR(errc::invalid_option, p.reserve(5));
    CHECK_ERROR(errc::invalid_option, p.reserve_for(5, 1ms));
    CHECK_ERROR(errc::invalid_option, p.try_enqueue(x));
    CHECK_ERROR(errc::invalid_option, p.enqueue(x));
    CHECK_ERROR(errc::invalid_option, p.enqueue_for(x, 1ms));
    CHECK_ERROR(errc::invalid_option, p.try_enqueue_batch(batch));
    write(*room, "first");
    CHECK(room->commit() == status::ok);
    CHECK(p.try_enqueue("second") == status::ok);
    for (const auto* text : {"first", "second"}) {
      auto m = s.try_dequeue();
      REQUIRE(m);
      CHECK(m->text() == text);
    }
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("reserving more than the largest message is too large") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber&) {
    CHECK_FALSE(p.try_reserve(p.max_message_size() + 1));
    CHECK(p.last_status() == status::too_large);
    CHECK_FALSE(p.reserve(p.max_message_size() + 1));
    CHECK(p.last_status() == status::too_large);
    CHECK_FALSE(p.reserve_for(p.max_message_size() * 2, 10s));
    CHECK(p.last_status() == status::too_large);
    CHECK(p.try_reserve(p.max_message_size()));
  });
}

TEST_CASE("reserving in a full queue says full, waits, or times out") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    while (p.try_enqueue("x") == status::ok) {
    }
    CHECK_FALSE(p.try_reserve(1));
    CHECK(p.last_status() == status::full);
    const auto before = std::chrono::steady_clock::now();
    CHECK_FALSE(p.reserve_for(1, 5ms));
    CHECK(p.last_status() == status::timeout);
    CHECK(std::chrono::steady_clock::now() - before >= 5ms);
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(p.reserve(1, stop.get_token()));
    CHECK(p.last_status() == status::cancelled);
    CHECK(s.try_dequeue());
    auto room = p.reserve(1);
    REQUIRE(room);
    CHECK(room->commit() == status::ok);
  });
}

TEST_CASE("a reservation can be moved") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    auto room = p.try_reserve(5);
    REQUIRE(room);
    reservation moved(std::move(*room));
    room.reset();  // aborts nothing
    write(moved, "moved");
    CHECK(moved.commit() == status::ok);
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(m->text() == "moved");
  });
}

namespace {

/// A publisher whose reservation others went around, and what comes of it.
struct stalled {
  explicit stalled(std::size_t size) : sent(test::pattern(size, 1)) {
    room = slow.try_reserve(size);
    REQUIRE(room);
    std::copy(sent.begin(), sent.end(), room->bytes().begin());
    REQUIRE(quick.try_enqueue("beyond") == status::ok);
    auto beyond = s.dequeue();  // nothing but patience is needed
    REQUIRE(beyond);
    CHECK(beyond->text() == "beyond");
    CHECK(millrace::stat("q", directory.path()).revocations == 1);
  }

  void expect(std::span<const std::byte> bytes) {
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), bytes));
    CHECK_FALSE(m->redelivered());
  }

  void expect_nothing_left() {
    CHECK_FALSE(s.try_dequeue());
    CHECK(millrace::stat("q", directory.path()).used_slots == 0);
  }

  test::scratch directory;
  millrace::queue_options options = directory.options(64 * 64, 64);
  publisher slow{"q", options};
  publisher quick{"q", options};
  subscriber s{"q", options};
  test::bytes sent;
  std::optional<reservation> room;
};

constexpr std::size_t short_and_long[] = {5, 48, 112, 113, 700, 2048 / 2};

}  // namespace

TEST_CASE("a reservation that others went around is delivered once when committed") {
  for (const std::size_t size : short_and_long) {
    CAPTURE(size);
    stalled q(size);
    CHECK(q.room->commit() == status::ok);
    REQUIRE(q.slow.try_enqueue("own next") == status::ok);
    q.expect(q.sent);
    q.expect(test::as_bytes("own next"));
    q.expect_nothing_left();
  }
}

TEST_CASE("a reservation that others went around delivers nothing when aborted") {
  for (const std::size_t size : short_and_long) {
    CAPTURE(size);
    stalled q(size);
    q.room.reset();
    q.expect_nothing_left();
  }
}

TEST_CASE("a reservation that others went around can be committed in part") {
  for (const std::size_t size : short_and_long) {
    CAPTURE(size);
    stalled q(size);
    CHECK(q.room->commit(3) == status::ok);
    q.expect(std::span(q.sent).first(3));
    q.expect_nothing_left();
  }
}

TEST_CASE("a reservation that others went around keeps its bytes while there is no room") {
  for (const std::size_t size : short_and_long) {
    CAPTURE(size);
    stalled q(size);
    std::uint32_t fillers = 0;
    while (q.quick.try_enqueue("filler") == status::ok) {
      ++fillers;
    }
    // The slots it gives back are of no use before the fillers are gone.
    CHECK(q.room->commit() == status::full);
    CHECK(q.room->commit() == status::full);
    CHECK(test::same(q.room->bytes(), q.sent));
    for (; fillers > 0; --fillers) {
      q.expect(test::as_bytes("filler"));
    }
    CHECK(q.room->commit() == status::ok);
    q.expect(q.sent);
    q.expect_nothing_left();
  }
}

TEST_CASE("one stalled reservation after another holds nobody up") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  std::vector<publisher> slow;
  std::vector<std::optional<reservation>> rooms;
  for (int i = 0; i < 5; ++i) {
    slow.emplace_back("q", options);
  }
  publisher quick("q", options);
  subscriber s("q", options);
  for (auto& p : slow) {
    rooms.push_back(p.try_reserve(100));
    REQUIRE(rooms.back());
    std::memset(rooms.back()->bytes().data(), 'r', 100);
  }
  REQUIRE(quick.try_enqueue("through") == status::ok);
  auto m = s.dequeue();
  REQUIRE(m);
  CHECK(m->text() == "through");
  m.reset();
  for (auto& room : rooms) {
    CHECK(room->commit() == status::ok);
  }
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    auto late = s.try_dequeue();
    REQUIRE(late);
    CHECK(late->text() == std::string(100, 'r'));
  }
  CHECK_FALSE(s.try_dequeue());
}
