// Participants that are killed at a known point: what becomes of what they had in hand.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/every_role.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"

using millrace::delivery;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;
using test::begin_to_read;
using test::begin_to_write;
using test::someone_asleep;
using test::someone_who;
using test::writing;

TEST_CASE("a publisher killed between reserve and commit delivers nothing and holds nobody up") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{48}, std::size_t{700}}) {
    CAPTURE(size);
    test::scratch directory;
    const auto options = directory.options(64 * 64, 64);
    publisher p("q", options);
    subscriber s("q", options);
    REQUIRE(p.try_enqueue("before") == status::ok);
    auto victim = someone_who([&] { return begin_to_write(options, size); });
    REQUIRE(p.try_enqueue("after") == status::ok);
    victim.kill();
    for (const auto* text : {"before", "after"}) {
      auto m = s.dequeue();
      REQUIRE(m);
      CHECK(m->text() == text);
    }
    CHECK_FALSE(s.dequeue_for(5ms));
    const auto info = millrace::stat("q", directory.path());
    CHECK(info.abandoned == 1);
    CHECK(info.recoveries == 1);
    CHECK(info.used_slots == 0);
    CHECK(info.participants.size() == 2);
  }
}

TEST_CASE("an exclusive publisher killed between reserve and commit delivers nothing") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.publishers = role::exclusive;
  subscriber s("q", options);
  auto victim = someone_who([&] { return begin_to_write(options, 700); });
  victim.kill();
  CHECK_FALSE(s.dequeue_for(5ms));
  publisher p("q", options);
  REQUIRE(p.try_enqueue("successor") == status::ok);
  auto m = s.dequeue();
  REQUIRE(m);
  CHECK(m->text() == "successor");
}

TEST_CASE("slots of a dead publisher's claim are found again though nobody subscribes") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  for (int i = 0; i < 8; ++i) {
    auto victim = someone_who([&] { return begin_to_write(options, 2048); });
    victim.kill();
  }
  int fit = 0;
  while (p.enqueue_for("x", 300ms) == status::ok) {
    ++fit;
  }
  CHECK(fit >= 32);
}

TEST_CASE("what a killed subscriber had in its hands is delivered again, marked") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    for (const int count : {1, 3}) {
      CAPTURE(static_cast<int>(subscribers));
      CAPTURE(count);
      test::scratch directory;
      auto options = directory.options(64 * 64, 64);
      options.subscribers = subscribers;
      publisher p("q", options);
      for (std::uint32_t i = 0; i < 4; ++i) {
        REQUIRE(p.try_enqueue(test::numbered(i, 4 + i * 100)) == status::ok);
      }
      auto victim = someone_who([&] { return begin_to_read(options, count); });
      victim.kill();
      subscriber s("q", options);
      std::vector<int> seen(4);
      for (int i = 0; i < 4; ++i) {
        auto m = s.dequeue();
        REQUIRE(m);
        const auto number = test::number_of(m->bytes());
        REQUIRE(number < 4);
        ++seen[number];
        CHECK(test::same(m->bytes(), test::numbered(number, 4 + number * 100)));
        CHECK(m->redelivered() == (number < static_cast<std::uint32_t>(count)));
      }
      CHECK(seen == std::vector<int>{1, 1, 1, 1});
      CHECK_FALSE(s.dequeue_for(5ms));
      const auto info = millrace::stat("q", directory.path());
      CHECK(info.recoveries == 1);
      CHECK(info.redeliveries == static_cast<std::uint64_t>(count));
      CHECK(info.used_slots == 0);
      CHECK(info.finished == 4);
    }
  }
}

TEST_CASE("where delivery is at most once, what a killed subscriber had in its hands is gone") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    for (const int count : {1, 3}) {
      CAPTURE(static_cast<int>(subscribers));
      CAPTURE(count);
      test::scratch directory;
      auto options = directory.options(64 * 64, 64);
      options.subscribers = subscribers;
      options.guarantee = delivery::at_most_once;
      publisher p("q", options);
      for (std::uint32_t i = 0; i < 4; ++i) {
        REQUIRE(p.try_enqueue(test::numbered(i, 4 + i * 100)) == status::ok);
      }
      auto victim = someone_who([&] { return begin_to_read(options, count); });
      victim.kill();
      subscriber s("q", options);
      for (std::uint32_t i = static_cast<std::uint32_t>(count); i < 4; ++i) {
        auto m = s.dequeue();
        REQUIRE(m);
        CHECK(test::number_of(m->bytes()) == i);
        CHECK_FALSE(m->redelivered());
      }
      CHECK_FALSE(s.dequeue_for(5ms));
      CHECK(millrace::stat("q", directory.path()).used_slots == 0);
    }
  }
}

TEST_CASE("a subscriber that waits already gets what another one died with") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  REQUIRE(p.try_enqueue("inherited") == status::ok);
  auto victim = someone_who([&] { return begin_to_read(options, 1); });
  auto heir = someone_asleep(options, 3, [&] {
    subscriber s("q", options);
    const auto m = s.dequeue();
    test::expect(m.has_value() && m->redelivered() && m->text() == "inherited");
    return 0;
  });
  victim.kill();
  CHECK(heir.wait() == 0);
}

TEST_CASE("a message whose subscribers die one after another is delivered again each time") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(subscribers));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.subscribers = subscribers;
    publisher p("q", options);
    REQUIRE(p.try_enqueue(test::pattern(500, 2)) == status::ok);
    for (int i = 0; i < 5; ++i) {
      auto victim = someone_who([&] { return begin_to_read(options, 1); });
      victim.kill();
    }
    subscriber s("q", options);
    auto m = s.dequeue();
    REQUIRE(m);
    CHECK(m->redelivered());
    CHECK(test::same(m->bytes(), test::pattern(500, 2)));
    m.reset();
    CHECK_FALSE(s.try_dequeue());
  }
}

TEST_CASE("a publisher that waits for room gets that of a dead subscriber's messages") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.guarantee = delivery::at_most_once;
  publisher p("q", options);
  while (p.try_enqueue(test::bytes(1024)) == status::ok) {
  }
  auto victim = someone_who([&] { return begin_to_read(options, 4); });
  auto waiter = someone_asleep(options, 3, [&] {
    publisher late("q", options);
    return late.enqueue("room at last") == status::ok ? 0 : 1;
  });
  victim.kill();
  CHECK(waiter.wait() == 0);
}

TEST_CASE("an exclusive holder that was killed has a successor") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.publishers = role::exclusive;
  options.subscribers = role::exclusive;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  for (int i = 0; i < 20; ++i) {
    auto publishing = someone_who([&] {
      publisher p("q", options);
      for (std::uint32_t j = 0; j < 7; ++j) {
        test::expect(p.try_enqueue(test::numbered(sent + j, 4 + j * 50)) == status::ok);
      }
      auto room = p.try_reserve(300);
      test::expect(room.has_value());
      return writing{std::move(p), std::move(*room)};
    });
    publishing.kill();
    sent += 7;
    auto subscribing = someone_who([&] {
      auto r = begin_to_read(options, 7);
      for (auto& m : r.loans) {
        test::expect(test::number_of(m.bytes()) == received++);
      }
      r.loans.clear();
      return r;
    });
    subscribing.kill();
    received += 7;
  }
  subscriber s("q", options);
  CHECK_FALSE(s.try_dequeue());
}

TEST_CASE("a frozen publisher holds nobody up, and its message arrives once when it goes on") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  subscriber s("q", options);
  const test::gate ready;
  auto frozen = test::child::run([&] {
    auto w = begin_to_write(options, 300);
    ready.open();
    ::raise(SIGSTOP);
    test::expect(w.room.commit() == status::ok);
    test::expect(w.p.try_enqueue("its next") == status::ok);
    return 0;
  });
  ready.await();
  test::eventually([&] { return test::process_state(frozen.pid()) == 'T'; });
  for (std::uint32_t i = 0; i < 500; ++i) {  // several laps of the ring
    REQUIRE(p.enqueue(test::numbered(i, 4 + i % 60)) == status::ok);
    auto m = s.dequeue();
    REQUIRE(m);
    REQUIRE(test::number_of(m->bytes()) == i);
  }
  CHECK(millrace::stat("q", directory.path()).recoveries == 0);  // frozen is not dead
  frozen.thaw();
  auto late = s.dequeue();
  REQUIRE(late);
  CHECK(late->text() == std::string(300, '\xDD'));
  CHECK_FALSE(late->redelivered());
  auto next = s.dequeue();
  REQUIRE(next);
  CHECK(next->text() == "its next");
  next.reset();
  late.reset();
  CHECK(frozen.wait() == 0);
  CHECK_FALSE(s.dequeue_for(5ms));
  CHECK(millrace::stat("q", directory.path()).used_slots == 0);
}

TEST_CASE("a frozen subscriber costs its own slots only, and nobody else gets its message") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  subscriber s("q", options);
  REQUIRE(p.try_enqueue(test::pattern(300, 6)) == status::ok);
  const test::gate ready;
  auto frozen = test::child::run([&] {
    auto r = begin_to_read(options, 1);
    ready.open();
    ::raise(SIGSTOP);
    test::expect(test::same(r.loans.front().bytes(), test::pattern(300, 6)));
    return 0;
  });
  ready.await();
  test::eventually([&] { return test::process_state(frozen.pid()) == 'T'; });
  for (std::uint32_t i = 0; i < 500; ++i) {
    REQUIRE(p.enqueue(test::numbered(i, 4 + i % 60)) == status::ok);
    auto m = s.dequeue();
    REQUIRE(m);
    REQUIRE(test::number_of(m->bytes()) == i);
    REQUIRE_FALSE(m->redelivered());
  }
  CHECK_FALSE(s.dequeue_for(300ms));  // long enough to look who lives
  CHECK(millrace::stat("q", directory.path()).in_hands == 1);
  frozen.thaw();
  CHECK(frozen.wait() == 0);
  CHECK_FALSE(s.dequeue_for(5ms));
  CHECK(millrace::stat("q", directory.path()).used_slots == 0);
}
