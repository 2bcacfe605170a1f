// Handles and loans as objects: moving them, and using them when their time is over.
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::message;
using millrace::publisher;
using millrace::reservation;
using millrace::role;
using millrace::status;
using millrace::subscriber;

static_assert(!std::is_copy_constructible_v<publisher> && !std::is_copy_assignable_v<publisher>);
static_assert(!std::is_copy_constructible_v<subscriber> && !std::is_copy_assignable_v<subscriber>);
static_assert(!std::is_copy_constructible_v<message> && !std::is_copy_assignable_v<message>);
static_assert(!std::is_copy_constructible_v<reservation>);
static_assert(std::is_nothrow_move_constructible_v<publisher>);
static_assert(std::is_nothrow_move_constructible_v<subscriber>);
static_assert(std::is_nothrow_move_constructible_v<message>);
static_assert(std::is_nothrow_move_constructible_v<reservation>);

TEST_CASE("moved handles work where they are moved to") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  subscriber s("q", options);
  CHECK(p.try_enqueue("1") == status::ok);
  publisher p2(std::move(p));
  CHECK(p2.try_enqueue("2") == status::ok);
  auto one = s.try_dequeue();
  subscriber s2(std::move(s));
  REQUIRE(one);
  CHECK(one->text() == "1");  // loans follow their handle
  one.reset();
  auto two = s2.try_dequeue();
  REQUIRE(two);
  CHECK(two->text() == "2");
}

TEST_CASE("moving a handle onto another one leaves the other's queue") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("a", options);
  publisher other("b", options);
  other = std::move(p);
  CHECK(other.try_enqueue("x") == status::ok);
  CHECK(millrace::stat("a", directory.path()).depth == 1);
  CHECK(millrace::stat("a", directory.path()).participants.size() == 1);
  CHECK(millrace::stat("b", directory.path()).participants.empty());
  subscriber s("a", options);
  subscriber t("b", options);
  t = std::move(s);
  CHECK(t.try_dequeue());
  CHECK(millrace::stat("b", directory.path()).participants.empty());
}

TEST_CASE("a handle that was moved from says closed to every call") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  publisher p2(std::move(p));
  const auto x = test::as_bytes("x");
  const std::span<const std::byte> batch[] = {x};
  CHECK_ERROR(errc::closed, p.try_enqueue(x));
  CHECK_ERROR(errc::closed, p.enqueue(x));
  CHECK_ERROR(errc::closed, p.enqueue_for(x, std::chrono::seconds(1)));
  CHECK_ERROR(errc::closed, p.try_enqueue_batch(batch));
  CHECK_ERROR(errc::closed, p.try_reserve(1));
  CHECK_ERROR(errc::closed, p.reserve(1));
  CHECK_ERROR(errc::closed, p.reserve_for(1, std::chrono::seconds(1)));
  subscriber s("q", options);
  subscriber s2(std::move(s));
  test::bytes buffer(8);
  std::size_t size = 0;
  CHECK_ERROR(errc::closed, s.try_dequeue());
  CHECK_ERROR(errc::closed, s.dequeue());
  CHECK_ERROR(errc::closed, s.dequeue_for(std::chrono::seconds(1)));
  CHECK_ERROR(errc::closed, s.try_dequeue(buffer, size));
  CHECK(p2.try_enqueue("fine") == status::ok);
  CHECK(s2.try_dequeue());
}

TEST_CASE("a message that outlives its subscriber is void and goes to the next one") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(subscribers));
    test::scratch directory;
    auto options = directory.options(4096, 64);
    options.subscribers = subscribers;
    publisher p("q", options);
    CHECK(p.try_enqueue("first") == status::ok);
    CHECK(p.try_enqueue("second") == status::ok);
    auto leaver = std::make_unique<subscriber>("q", options);
    auto first = leaver->try_dequeue();
    auto second = leaver->try_dequeue();
    REQUIRE(first);
    REQUIRE(second);
    leaver.reset();
    CHECK_ERROR(errc::closed, first->bytes());
    CHECK_ERROR(errc::closed, second->text());
    CHECK_ERROR(errc::closed, first->requeue());
    subscriber next("q", options);
    bool saw_first = false;
    bool saw_second = false;
    for (int i = 0; i < 2; ++i) {
      auto m = next.try_dequeue();
      REQUIRE(m);
      CHECK(m->redelivered());
      saw_first |= m->text() == "first";
      saw_second |= m->text() == "second";
    }
    CHECK(saw_first);
    CHECK(saw_second);
    first.reset();  // does nothing to anybody
    second.reset();
    CHECK_FALSE(next.try_dequeue());
    CHECK(next.last_status() == status::empty);
  }
}

TEST_CASE("a message that was given back is void") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  subscriber s("q", options);
  CHECK(p.try_enqueue("x") == status::ok);
  auto m = s.try_dequeue();
  REQUIRE(m);
  m->requeue();
  CHECK_ERROR(errc::closed, m->bytes());
  CHECK_ERROR(errc::closed, m->requeue());
  m.reset();
  auto again = s.try_dequeue();
  REQUIRE(again);
  CHECK(again->redelivered());
}

TEST_CASE("a reservation that outlives its publisher is void and nothing is delivered") {
  for (const role publishers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(publishers));
    test::scratch directory;
    auto options = directory.options(4096, 64);
    options.publishers = publishers;
    auto leaver = std::make_unique<publisher>("q", options);
    auto room = leaver->try_reserve(100);
    REQUIRE(room);
    leaver.reset();
    CHECK_ERROR(errc::closed, room->bytes());
    CHECK_ERROR(errc::closed, room->commit());
    CHECK_ERROR(errc::closed, room->commit(1));
    room.reset();
    subscriber s("q", options);
    CHECK_FALSE(s.try_dequeue());
    publisher next("q", options);
    CHECK(next.try_enqueue("x") == status::ok);
    CHECK(s.try_dequeue());
  }
}

TEST_CASE("last_status is what the latest call answered") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  subscriber s("q", options);
  CHECK(p.try_enqueue("x") == status::ok);
  CHECK(p.last_status() == status::ok);
  CHECK(p.try_enqueue(test::bytes(p.max_message_size() + 1)) == status::too_large);
  CHECK(p.last_status() == status::too_large);
  CHECK(s.try_dequeue());
  CHECK(s.last_status() == status::ok);
  CHECK_FALSE(s.try_dequeue());
  CHECK(s.last_status() == status::empty);
  CHECK_FALSE(s.dequeue_for(std::chrono::milliseconds(1)));
  CHECK(s.last_status() == status::timeout);
}

TEST_CASE("the copying dequeue keeps a message that the buffer is too small for") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(subscribers));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.subscribers = subscribers;
    publisher p("q", options);
    subscriber s("q", options);
    test::bytes buffer(s.max_message_size());
    std::size_t size = 77;
    CHECK(s.try_dequeue(buffer, size) == status::empty);
    for (const std::size_t length : {0u, 1u, 48u, 49u, 64u, 65u, 112u, 113u, 500u, 2048u}) {
      CAPTURE(length);
      const auto sent = test::pattern(length, 3);
      REQUIRE(p.try_enqueue(sent) == status::ok);
      if (length > 0) {
        CHECK(s.try_dequeue(std::span(buffer).first(length - 1), size) == status::buffer_too_small);
        CHECK(size == length);
        CHECK(s.last_status() == status::buffer_too_small);
        size = 0;
        CHECK(s.try_dequeue(std::span<std::byte>(), size) == status::buffer_too_small);
        CHECK(size == length);
      }
      CHECK(s.try_dequeue(std::span(buffer).first(length), size) == status::ok);
      CHECK(size == length);
      CHECK(test::same(std::span(buffer).first(size), sent));
      CHECK(s.try_dequeue(buffer, size) == status::empty);
    }
    // Kept messages stay first in line and come with any other call too.
    REQUIRE(p.try_enqueue("kept") == status::ok);
    REQUIRE(p.try_enqueue("next") == status::ok);
    CHECK(s.try_dequeue(std::span(buffer).first(1), size) == status::buffer_too_small);
    auto kept = s.try_dequeue();
    REQUIRE(kept);
    CHECK(kept->text() == "kept");
    CHECK_FALSE(kept->redelivered());
    kept->requeue();
    // So do redelivered ones.
    for (int i = 0; i < 3; ++i) {
      size = 0;
      const status answer = s.try_dequeue(std::span(buffer).first(1), size);
      CHECK(answer == status::buffer_too_small);
      CHECK(size == 4);
    }
    CHECK(s.try_dequeue(buffer, size) == status::ok);
    CHECK(s.try_dequeue(buffer, size) == status::ok);
    CHECK(s.try_dequeue(buffer, size) == status::empty);
  }
}
