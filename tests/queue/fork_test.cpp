// Handles across fork: they belong to the process that opened them.
#include <chrono>
#include <optional>
#include <source_location>
#include <span>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/watchdog.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::reservation;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;

namespace {

template <class Action>
void expect_forked(Action&& action, std::source_location place = std::source_location::current()) {
  const auto found = test::error_of(action);
  test::expect(found.code == errc::forked, found.code ? found.text : "no error", place);
}

}  // namespace

TEST_CASE("a forked child cannot use its parent's handles, and the parent goes on") {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      CAPTURE(static_cast<int>(publishers));
      CAPTURE(static_cast<int>(subscribers));
      test::scratch directory;
      auto options = directory.options(4096, 64);
      options.publishers = publishers;
      options.subscribers = subscribers;
      std::optional<publisher> p(std::in_place, "q", options);
      std::optional<subscriber> s(std::in_place, "q", options);
      REQUIRE(p->try_enqueue("loan") == status::ok);
      REQUIRE(p->try_enqueue("waiting") == status::ok);
      auto loan = s->try_dequeue();
      REQUIRE(loan);
      auto room = p->try_reserve(4);
      REQUIRE(room);
      const test::gate done;
      auto child = test::child::run([&] {
        const auto x = test::as_bytes("x");
        const std::span<const std::byte> batch[] = {x};
        test::bytes buffer(100);
        std::size_t size = 0;
        expect_forked([&] { (void)p->try_enqueue(x); });
        expect_forked([&] { (void)p->enqueue(x); });
        expect_forked([&] { (void)p->enqueue_for(x, 1ms); });
        expect_forked([&] { (void)p->try_enqueue_batch(batch); });
        expect_forked([&] { (void)p->try_reserve(1); });
        expect_forked([&] { (void)p->reserve(1); });
        expect_forked([&] { (void)p->reserve_for(1, 1ms); });
        expect_forked([&] { (void)s->try_dequeue(); });
        expect_forked([&] { (void)s->dequeue(); });
        expect_forked([&] { (void)s->dequeue_for(1ms); });
        expect_forked([&] { (void)s->try_dequeue(buffer, size); });
        expect_forked([&] { (void)loan->bytes(); });
        expect_forked([&] { loan->requeue(); });
        expect_forked([&] { (void)room->bytes(); });
        expect_forked([&] { (void)room->commit(); });
        // Throwing them away touches nothing either.
        loan.reset();
        room.reset();
        p.reset();
        s.reset();
        done.open();
        return 0;
      });
      done.await();
      REQUIRE(child.wait() == 0);
      CHECK(loan->text() == "loan");
      const auto sent = test::as_bytes("room");
      std::copy(sent.begin(), sent.end(), room->bytes().begin());
      CHECK(room->commit() == status::ok);
      loan.reset();
      for (const auto* text : {"waiting", "room"}) {
        auto m = s->try_dequeue();
        REQUIRE(m);
        CHECK(m->text() == text);
        CHECK_FALSE(m->redelivered());
      }
      CHECK_FALSE(s->try_dequeue());
      // The leases are still the parent's.
      const auto info = millrace::stat("q", directory.path());
      CHECK(info.participants.size() == 2);
      for (const auto& someone : info.participants) {
        CHECK(someone.alive);
      }
      if (publishers == role::exclusive) {
        CHECK_ERROR(errc::role_taken, publisher("q", options));
      }
    }
  }
}

TEST_CASE("a parent's death is noticed although a forked child lives on") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.publishers = role::exclusive;
  const test::gate ready;
  const test::gate over;
  auto parent = test::child::run([&] {
    publisher p("q", options);
    subscriber s("q", options);
    test::expect(p.try_enqueue("in hands") == status::ok);
    auto m = s.try_dequeue();
    test::expect(m.has_value());
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      test::allow(60);  // nobody else sees to its end
      ready.open();
      over.await();
      ::_exit(0);
    }
    const test::gate never;
    never.await();
    return 0;
  });
  const struct end_of_grandchild {
    const test::gate& over;
    ~end_of_grandchild() { over.open(); }
  } whatever_happens{over};
  ready.await();
  parent.kill();
  publisher p("q", options);  // not refused: the holder is dead
  subscriber s("q", options);
  auto m = s.try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "in hands");
  CHECK(m->redelivered());
}

TEST_CASE("a forked child opens handles of its own and talks to its parent") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher to_child("there", options);
  subscriber from_child("back", options);
  auto child = test::child::run([&] {
    subscriber s("there", options);
    publisher p("back", options);
    auto m = s.dequeue();
    test::expect(m.has_value());
    test::expect(p.enqueue(m->bytes()) == status::ok);
    return 0;
  });
  CHECK(to_child.enqueue("echo") == status::ok);
  auto m = from_child.dequeue();
  REQUIRE(m);
  CHECK(m->text() == "echo");
  CHECK(child.wait() == 0);
}

TEST_CASE("handles opened in a child are as good after it forked in turn") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  auto child = test::child::run([&] {
    publisher p("q", options);
    subscriber s("q", options);
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      int code = 1;
      try {
        expect_forked([&] { (void)p.try_enqueue(test::as_bytes("x")); });
        expect_forked([&] { (void)s.try_dequeue(); });
        code = 0;
      } catch (const std::exception&) {
      }
      ::_exit(code);
    }
    int result = 0;
    test::expect(::waitpid(grandchild, &result, 0) == grandchild);
    test::expect(result == 0, "the grandchild could use them");
    test::expect(p.try_enqueue("fine") == status::ok);
    test::expect(s.try_dequeue().has_value());
    return 0;
  });
  CHECK(child.wait() == 0);
}
