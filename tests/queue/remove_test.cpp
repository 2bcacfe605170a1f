// Removing a queue: what those attached see, and that another one of its name is another one.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;

TEST_CASE("removing a queue takes its file and semaphores away") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  const auto options = directory.options(4096, 64);
  {
    publisher p("q", options);
    subscriber s("q", options);
    CHECK_FALSE(s.dequeue_for(1ms));  // whatever is made late is made now
    CHECK(p.try_enqueue("x") == status::ok);
  }
  CHECK(millrace::remove("q", directory.path()));
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
  CHECK_FALSE(millrace::remove("q", directory.path()));
  CHECK_ERROR(errc::not_found, millrace::stat("q", directory.path()));
}

TEST_CASE("removing a queue whose file was cut off takes its semaphores away too") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  { publisher p("q", directory.options(4096, 64)); }
  std::filesystem::resize_file(directory.path() / "q", 4096);
  CHECK(millrace::remove("q", directory.path()));
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
}

TEST_CASE("removing what is not there says so") {
  test::scratch directory;
  CHECK_FALSE(millrace::remove("q", directory.path()));
  CHECK_FALSE(millrace::remove("q", directory.path() / "no such directory"));
}

TEST_CASE("those attached to a removed queue get removed from every call") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  publisher writer("q", options);
  subscriber s("q", options);
  REQUIRE(p.try_enqueue("lost") == status::ok);
  auto room = writer.try_reserve(10);
  REQUIRE(room);
  REQUIRE(millrace::remove("q", directory.path()));
  const auto x = test::as_bytes("x");
  const std::span<const std::byte> batch[] = {x};
  CHECK(p.try_enqueue(x) == status::removed);
  CHECK(p.last_status() == status::removed);
  CHECK(p.enqueue(x) == status::removed);
  CHECK(p.enqueue_for(x, 1h) == status::removed);
  CHECK(p.try_enqueue_batch(batch) == status::removed);
  CHECK_FALSE(p.try_reserve(1));
  CHECK(p.last_status() == status::removed);
  CHECK_FALSE(p.reserve(1));
  CHECK_FALSE(p.reserve_for(1, 1h));
  CHECK(p.last_status() == status::removed);
  CHECK(room->commit() == status::removed);
  CHECK_FALSE(s.try_dequeue());
  CHECK(s.last_status() == status::removed);
  CHECK_FALSE(s.dequeue());
  CHECK(s.last_status() == status::removed);
  CHECK_FALSE(s.dequeue_for(1h));
  CHECK(s.last_status() == status::removed);
  test::bytes buffer(10);
  std::size_t size = 0;
  CHECK(s.try_dequeue(buffer, size) == status::removed);
}

TEST_CASE("messages on loan stay readable when their queue is removed") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  subscriber s("q", options);
  REQUIRE(p.try_enqueue("short") == status::ok);
  REQUIRE(p.try_enqueue(test::pattern(1000, 4)) == status::ok);
  auto one = s.try_dequeue();
  auto two = s.try_dequeue();
  REQUIRE(one);
  REQUIRE(two);
  REQUIRE(millrace::remove("q", directory.path()));
  CHECK(one->text() == "short");
  CHECK(test::same(two->bytes(), test::pattern(1000, 4)));
  one.reset();
  CHECK_NOTHROW(two->requeue());
}

TEST_CASE("removal wakes those who wait") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  subscriber s("q", options);
  publisher p("full", options);
  while (p.try_enqueue("x") == status::ok) {
  }
  std::optional<status> consumer;
  std::optional<status> producer;
  {
    std::jthread waiting_for_message([&] {
      CHECK_FALSE(s.dequeue());
      consumer = s.last_status();
    });
    std::jthread waiting_for_room([&] { producer = p.enqueue("y"); });
    std::this_thread::sleep_for(50ms);  // asleep by now, most likely
    CHECK(millrace::remove("q", directory.path()));
    CHECK(millrace::remove("full", directory.path()));
  }
  CHECK(consumer == status::removed);
  CHECK(producer == status::removed);
}

TEST_CASE("removal wakes those who wait in other processes") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher maker("q", options);
  const test::gate ready;
  auto waiter = test::child::run([&] {
    subscriber s("q", options);
    ready.open();
    test::expect(!s.dequeue());
    test::expect(s.last_status() == status::removed);
    return 0;
  });
  ready.await();
  test::eventually([&] { return test::process_state(waiter.pid()) == 'S'; });
  CHECK(millrace::remove("q", directory.path()));
  CHECK(waiter.wait() == 0);
}

TEST_CASE("a second queue of the same name has nothing to do with the removed one") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher old_p("q", options);
  subscriber old_s("q", options);
  REQUIRE(old_p.try_enqueue("old") == status::ok);
  REQUIRE(millrace::remove("q", directory.path()));
  const auto other_size = directory.options(64 * 256, 256);
  publisher p("q", other_size);
  subscriber s("q", other_size);
  CHECK_FALSE(s.try_dequeue());
  CHECK(old_p.try_enqueue("older") == status::removed);
  CHECK_FALSE(s.try_dequeue());
  CHECK(p.try_enqueue("new") == status::ok);
  CHECK_FALSE(old_s.try_dequeue());
  CHECK(old_s.last_status() == status::removed);
  auto m = s.try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "new");
  CHECK(millrace::stat("q", directory.path()).participants.size() == 2);
  // Leaving the old one takes nothing of the new one along.
  m.reset();
  old_p = publisher("other", options);
  CHECK(p.enqueue("still") == status::ok);
  CHECK(s.dequeue());
}

TEST_CASE("leaving a removed transient queue leaves a second one of its name alone") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.life = millrace::lifetime::transient;
  std::optional<publisher> old(std::in_place, "q", options);
  REQUIRE(millrace::remove("q", directory.path()));
  publisher p("q", options);
  old.reset();
  CHECK(millrace::stat("q", directory.path()).participants.size() == 1);
  subscriber s("q", options);
  CHECK(p.try_enqueue("x") == status::ok);
  CHECK(s.try_dequeue());
}
