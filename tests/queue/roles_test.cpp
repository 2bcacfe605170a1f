// Exclusive roles: one holder at a time.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;

TEST_CASE("a second exclusive publisher is refused while there is one") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.publishers = role::exclusive;
  auto first = std::make_unique<publisher>("q", options);
  for (int i = 0; i < 300; ++i) {  // as often as somebody tries, without using anything up
    CHECK_ERROR(errc::role_taken, publisher("q", options));
  }
  CHECK(millrace::stat("q", directory.path()).participants.size() == 1);
  std::vector<subscriber> subscribers;
  for (int i = 0; i < 3; ++i) {  // the other side is shared
    subscribers.emplace_back("q", options);
  }
  CHECK(first->try_enqueue("1") == status::ok);
  first.reset();
  publisher second("q", options);
  CHECK(second.try_enqueue("2") == status::ok);
  for (std::size_t i = 0; i < 2; ++i) {
    auto m = subscribers[i].try_dequeue();
    REQUIRE(m);
    CHECK(m->text() == std::to_string(i + 1));
  }
}

TEST_CASE("a second exclusive subscriber is refused while there is one") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.subscribers = role::exclusive;
  auto first = std::make_unique<subscriber>("q", options);
  for (int i = 0; i < 300; ++i) {
    CHECK_ERROR(errc::role_taken, subscriber("q", options));
  }
  publisher one("q", options);
  publisher two("q", options);
  CHECK(one.try_enqueue("1") == status::ok);
  CHECK(two.try_enqueue("2") == status::ok);
  auto m = first->try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "1");
  m.reset();
  first.reset();
  subscriber second("q", options);
  m = second.try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "2");
  CHECK_FALSE(m->redelivered());
}

TEST_CASE("an exclusive role that another process has is refused until that one is dead") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.publishers = role::exclusive;
  options.subscribers = role::exclusive;
  const test::gate ready;
  auto holder = test::child::run([&] {
    publisher p("q", options);
    subscriber s("q", options);
    ready.open();
    const test::gate never;
    never.await();
    return 0;
  });
  ready.await();
  CHECK_ERROR(errc::role_taken, publisher("q", options));
  CHECK_ERROR(errc::role_taken, subscriber("q", options));
  CHECK(test::error_of([&] {
          subscriber("q", options);
        }).says("process " + std::to_string(holder.pid()) + " "));
  // Stopped is not dead.
  holder.freeze();
  CHECK_ERROR(errc::role_taken, publisher("q", options));
  // Dead is.
  holder.kill();
  publisher p("q", options);
  subscriber s("q", options);
  CHECK(p.try_enqueue("x") == status::ok);
  CHECK(s.try_dequeue());
  CHECK(millrace::stat("q", directory.path()).participants.size() == 2);
}

TEST_CASE("an exclusive role is passed on by moving its handle") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.publishers = role::exclusive;
  publisher first("q", options);
  {
    const publisher moved(std::move(first));
    CHECK_ERROR(errc::role_taken, publisher("q", options));
  }
  CHECK_NOTHROW(publisher("q", options));
}

TEST_CASE("a successor of an exclusive publisher goes on where it stopped, at every index") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.publishers = role::exclusive;
  options.subscribers = role::exclusive;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  for (int i = 0; i < 200; ++i) {
    {
      publisher p("q", options);
      for (int j = 0; j < i % 5; ++j) {
        REQUIRE(p.try_enqueue(test::numbered(sent++, 4 + static_cast<std::size_t>(i))) ==
                status::ok);
      }
      auto room = p.try_reserve(100);  // never committed
      REQUIRE(room);
    }
    subscriber s("q", options);
    while (auto m = s.try_dequeue()) {
      REQUIRE(test::number_of(m->bytes()) == received++);
      REQUIRE_FALSE(m->redelivered());
    }
    REQUIRE(received == sent);
  }
}
