// Looking at queues from outside: list, stat, peek.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

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

namespace {

std::vector<std::string> texts(const std::vector<millrace::peeked_message>& messages) {
  std::vector<std::string> result;
  for (const auto& m : messages) {
    result.push_back(test::as_text(m.bytes) + (m.redelivered ? " (again)" : ""));
  }
  return result;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("list names the queues of a directory, sorted, and nothing else") {
  test::scratch directory;
  CHECK(millrace::list(directory.path()).empty());
  CHECK(millrace::list(directory.path() / "nothing").empty());
  const auto options = directory.options(4096, 64);
  publisher b("b", options);
  publisher a("a", options);
  publisher c("C.d-e_1", options);
  std::ofstream(directory.path() / "notes.txt") << "not a queue";
  std::ofstream(directory.path() / "empty");
  std::ofstream(directory.path() / ".hidden") << "neither";
  std::filesystem::create_directory(directory.path() / "folder");
  std::filesystem::create_symlink(directory.path() / "a", directory.path() / "link");
  REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
  CHECK(millrace::list(directory.path()) == strings{"C.d-e_1", "a", "b"});
  CHECK(millrace::remove("b", directory.path()));
  CHECK(millrace::list(directory.path()) == strings{"C.d-e_1", "a"});
}

TEST_CASE("stat and peek of what is not there are not_found") {
  test::scratch directory;
  CHECK_ERROR(errc::not_found, millrace::stat("q", directory.path()));
  CHECK_ERROR(errc::not_found, millrace::peek("q", 1, directory.path()));
  CHECK_ERROR(errc::not_found, millrace::stat("q", directory.path() / "nothing"));
  CHECK(test::error_of([&] { (void)millrace::stat("q", directory.path()); }).says("no queue"));
  CHECK(test::error_of([&] {
          (void)millrace::stat("q", directory.path() / "nothing");
        }).says("no directory '" + (directory.path() / "nothing").string() + "'"));
  CHECK(directory.entries().empty());
}

TEST_CASE("stat tells what a queue is") {
  test::scratch directory;
  auto options = directory.options(64 * 128, 128);
  options.guarantee = millrace::delivery::at_most_once;
  options.life = millrace::lifetime::transient;
  options.publishers = role::exclusive;
  publisher p("name", options);
  const auto info = millrace::stat("name", directory.path());
  CHECK(info.name == "name");
  CHECK(info.path.parent_path() == directory.path());
  CHECK(info.capacity == 64 * 128);
  CHECK(info.block_size == 128);
  CHECK(info.slots == 64);
  CHECK(info.file_size == std::filesystem::file_size(info.path));
  CHECK(info.file_size > info.capacity);
  CHECK(info.life == millrace::lifetime::transient);
  CHECK(info.guarantee == millrace::delivery::at_most_once);
  CHECK(info.publishers == role::exclusive);
  CHECK(info.subscribers == role::shared);
}

TEST_CASE("stat counts what happens in a queue") {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      CAPTURE(static_cast<int>(publishers));
      CAPTURE(static_cast<int>(subscribers));
      test::scratch directory;
      auto options = directory.options(64 * 64, 64);
      options.publishers = publishers;
      options.subscribers = subscribers;
      publisher p("q", options);
      subscriber s("q", options);
      const auto look = [&] { return millrace::stat("q", directory.path()); };

      auto info = look();
      CHECK(info.depth == 0);
      CHECK(info.depth_bytes == 0);
      CHECK(info.in_hands == 0);
      CHECK(info.in_progress == 0);
      CHECK(info.used_slots == 0);
      CHECK(info.published == 0);
      CHECK(info.finished == 0);

      REQUIRE(p.try_enqueue("12345") == status::ok);
      REQUIRE(p.try_enqueue(test::bytes(120)) == status::ok);  // two slots
      REQUIRE(p.try_enqueue(test::bytes(0)) == status::ok);
      const auto a = test::bytes(10);
      const auto b = test::bytes(128);
      const std::span<const std::byte> batch[] = {a, b};
      REQUIRE(p.try_enqueue_batch(batch) == status::ok);
      info = look();
      CHECK(info.depth == 5);
      CHECK(info.depth_bytes == 263);
      CHECK(info.used_slots == 7);
      CHECK(info.published == 5);
      CHECK(info.published_bytes == 263);
      CHECK(info.finished == 0);

      auto one = s.try_dequeue();
      auto two = s.try_dequeue();
      REQUIRE(one);
      REQUIRE(two);
      info = look();
      CHECK(info.depth == 3);
      CHECK(info.depth_bytes == 138);
      CHECK(info.in_hands == 2);
      CHECK(info.used_slots == 7);
      CHECK(info.published == 5);
      CHECK(info.finished == 0);

      one.reset();
      two->requeue();
      info = look();
      CHECK(info.in_hands == 0);
      CHECK(info.depth == 4);
      CHECK(info.depth_bytes == 258);
      CHECK(info.used_slots == 6);
      CHECK(info.finished == 1);
      CHECK(info.finished_bytes == 5);

      while (s.try_dequeue()) {
      }
      info = look();
      CHECK(info.depth == 0);
      CHECK(info.used_slots == 0);
      CHECK(info.published == 5);
      CHECK(info.finished == 5);
      CHECK(info.finished_bytes == 263);
      CHECK(info.redeliveries == 1);
      CHECK(info.recoveries == 0);
      CHECK(info.abandoned == 0);
      CHECK(info.revocations == 0);
    }
  }
}

TEST_CASE("stat counts a message that is being written") {
  test::scratch directory;
  publisher p("q", directory.options(64 * 64, 64));
  auto room = p.try_reserve(150);
  REQUIRE(room);
  auto info = millrace::stat("q", directory.path());
  CHECK(info.in_progress == 1);
  CHECK(info.used_slots == 3);
  CHECK(info.depth == 0);
  CHECK(info.published == 0);
  CHECK(room->commit(60) == status::ok);
  info = millrace::stat("q", directory.path());
  CHECK(info.in_progress == 0);
  CHECK(info.depth == 1);
  CHECK(info.depth_bytes == 60);
  CHECK(info.published_bytes == 60);
}

TEST_CASE("stat tells who takes part") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  publisher p("q", options);
  CHECK(p.try_enqueue("four") == status::ok);
  CHECK(p.try_enqueue("sixsix") == status::ok);
  const test::gate ready;
  auto other = test::child::run([&] {
    subscriber s("q", options);
    test::expect(s.try_dequeue().has_value());
    ready.open();
    const test::gate never;
    never.await();
    return 0;
  });
  ready.await();
  auto info = millrace::stat("q", directory.path());
  REQUIRE(info.participants.size() == 2);
  std::sort(info.participants.begin(), info.participants.end(),
            [](const auto& a, const auto& b) { return a.publishes > b.publishes; });
  const auto& publishing = info.participants[0];
  const auto& subscribing = info.participants[1];
  CHECK(publishing.publishes);
  CHECK(publishing.alive);
  CHECK(publishing.pid == static_cast<std::uint32_t>(::getpid()));
  CHECK(publishing.messages == 2);
  CHECK(publishing.bytes == 10);
  CHECK_FALSE(subscribing.publishes);
  CHECK(subscribing.alive);
  CHECK(subscribing.pid == static_cast<std::uint32_t>(other.pid()));
  CHECK(subscribing.messages == 1);
  CHECK(subscribing.bytes == 4);
  CHECK(publishing.id != subscribing.id);

  other.kill();
  info = millrace::stat("q", directory.path());
  for (const auto& someone : info.participants) {  // until somebody cleans up after it
    CHECK(someone.alive == someone.publishes);
  }
  CHECK(info.published == 2);  // counts are kept when their participants go
  CHECK(info.finished == 1);
  subscriber next("q", options);  // joining cleans up
  info = millrace::stat("q", directory.path());
  CHECK(info.participants.size() == 2);
  CHECK(info.recoveries == 1);
  CHECK(info.published == 2);
  CHECK(info.finished == 1);
}

TEST_CASE("counts outlive those who brought them about") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  for (int i = 0; i < 3; ++i) {
    publisher p("q", options);
    subscriber s("q", options);
    for (int j = 0; j < 4; ++j) {
      CHECK(p.try_enqueue("abc") == status::ok);
      CHECK(s.try_dequeue());
    }
  }
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.participants.empty());
  CHECK(info.published == 12);
  CHECK(info.published_bytes == 36);
  CHECK(info.finished == 12);
  CHECK(info.finished_bytes == 36);
}

TEST_CASE("peek shows the oldest messages and leaves them where they are") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(subscribers));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.subscribers = subscribers;
    publisher p("q", options);
    subscriber s("q", options);
    const auto look = [&](std::size_t count) {
      return texts(millrace::peek("q", count, directory.path()));
    };
    CHECK(look(5).empty());
    const std::string longer(300, 'l');
    for (int i = 0; i < 60; ++i) {  // so that what follows goes across the end of the ring
      CHECK(p.try_enqueue("x") == status::ok);
      CHECK(s.try_dequeue());
    }
    CHECK(p.try_enqueue("one") == status::ok);
    CHECK(p.try_enqueue(longer) == status::ok);
    CHECK(p.try_enqueue("") == status::ok);
    CHECK(p.try_enqueue("four") == status::ok);
    CHECK(look(0).empty());
    CHECK(look(1) == strings{"one"});
    CHECK(look(2) == strings{"one", longer});
    CHECK(look(4) == strings{"one", longer, "", "four"});
    CHECK(look(400) == strings{"one", longer, "", "four"});
    auto one = s.try_dequeue();
    REQUIRE(one);
    CHECK(look(9) == strings{longer, "", "four"});  // in somebody's hands: not waiting
    one->requeue();
    auto all = look(9);
    CHECK(all.size() == 4);
    CHECK(std::count(all.begin(), all.end(), "one (again)") == 1);
    one.reset();
    for (int i = 0; i < 4; ++i) {
      CHECK(s.try_dequeue());
    }
    CHECK_FALSE(s.try_dequeue());
    CHECK(look(9).empty());
  }
}

TEST_CASE("peek passes over a message that is being written") {
  test::scratch directory;
  publisher slow("q", directory.options(64 * 64, 64));
  publisher quick("q", directory.options());
  auto room = slow.try_reserve(10);
  REQUIRE(room);
  CHECK(quick.try_enqueue("beyond") == status::ok);
  CHECK(texts(millrace::peek("q", 9, directory.path())) == strings{"beyond"});
}
