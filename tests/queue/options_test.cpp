// What options mean: defaults, rounding, and the refusal of what an existing queue does not have.
#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::delivery;
using millrace::errc;
using millrace::lifetime;
using millrace::publisher;
using millrace::queue_options;
using millrace::role;
using millrace::subscriber;

TEST_CASE("a setting remembers whether somebody chose it") {
  const millrace::queue_options options;
  CHECK_FALSE(options.life.chosen());
  CHECK_FALSE(options.guarantee.chosen());
  CHECK_FALSE(options.publishers.chosen());
  CHECK_FALSE(options.subscribers.chosen());
  const millrace::setting<role> chosen = role::shared;
  CHECK(chosen.chosen());
  CHECK(chosen == role::shared);
}

TEST_CASE("options may be given in a row, or by name") {
  using namespace std::chrono_literals;
  const queue_options in_a_row{4096,
                               64,
                               "/here",
                               millrace::opening::create_only,
                               lifetime::transient,
                               delivery::at_most_once,
                               role::exclusive,
                               role::exclusive,
                               1ms,
                               0660};
  const queue_options by_name{.capacity = 4096,
                              .block_size = 64,
                              .directory = "/here",
                              .open = millrace::opening::create_only,
                              .life = lifetime::transient,
                              .guarantee = delivery::at_most_once,
                              .publishers = role::exclusive,
                              .subscribers = role::exclusive,
                              .patience = 1ms,
                              .permissions = 0660};
  for (const auto& options : {in_a_row, by_name}) {
    CHECK(options.capacity == 4096);
    CHECK(options.block_size == 64);
    CHECK(options.directory == "/here");
    CHECK(options.open == millrace::opening::create_only);
    CHECK(options.life == lifetime::transient);
    CHECK(options.guarantee == delivery::at_most_once);
    CHECK(options.publishers == role::exclusive);
    CHECK(options.subscribers == role::exclusive);
    CHECK(options.patience == 1ms);
    CHECK(options.permissions == 0660);
  }
}

TEST_CASE("a queue made without options has the documented defaults") {
  test::scratch directory;
  publisher p("q", directory.options());
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.capacity == 1024 * 1024);
  CHECK(info.block_size == 256);
  CHECK(info.slots == 4096);
  CHECK(info.life == lifetime::persistent);
  CHECK(info.guarantee == delivery::at_least_once);
  CHECK(info.publishers == role::shared);
  CHECK(info.subscribers == role::shared);
  CHECK(p.max_message_size() == info.capacity / 2);
  CHECK(info.file_size == std::filesystem::file_size(info.path));
}

TEST_CASE("capacity is rounded up to a power of two of blocks, at least 64") {
  test::scratch directory;
  struct example {
    std::size_t capacity, block_size, rounded;
  };
  int number = 0;
  for (const example& e :
       {example{1, 0, 64 * 256}, example{1, 64, 64 * 64}, example{4096, 64, 4096},
        example{4097, 64, 8192}, example{64 * 256 + 1, 256, 128 * 256},
        example{100'000, 256, 131'072}, example{1'000'000, 4096, 1'048'576},
        example{1, 65536, 64 * 65536}, example{0, 4096, 1024 * 1024}}) {
    const std::string name = "q" + std::to_string(number++);
    INFO("capacity ", e.capacity, ", block size ", e.block_size);
    publisher p(name, directory.options(e.capacity, e.block_size));
    subscriber again(name, directory.options(e.capacity, e.block_size));
    const auto info = millrace::stat(name, directory.path());
    CHECK(info.capacity == e.rounded);
    CHECK(info.slots * info.block_size == info.capacity);
    CHECK(p.max_message_size() == e.rounded / 2);
    CHECK(again.max_message_size() == e.rounded / 2);
    CHECK_NOTHROW(subscriber(name, directory.options(e.rounded)));
    millrace::remove(name, directory.path());
  }
}

TEST_CASE("a capacity beyond 524,288 default blocks gets larger blocks") {
  test::scratch directory;
  publisher p("q", directory.options(std::size_t{256} * 524'288 + 1));
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.block_size == 512);
  CHECK(info.slots == 524'288);
}

TEST_CASE("impossible option values are refused and leave nothing behind") {
  test::scratch directory;
  for (const std::size_t block_size :
       {std::size_t{1}, std::size_t{32}, std::size_t{63}, std::size_t{65}, std::size_t{100},
        std::size_t{257}, std::numeric_limits<std::size_t>::max()}) {
    INFO("block size ", block_size);
    CHECK_ERROR(errc::invalid_option, publisher("q", directory.options(0, block_size)));
    CHECK_ERROR(errc::invalid_option, subscriber("q", directory.options(0, block_size)));
  }
  for (const std::size_t capacity :
       {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 2}) {
    INFO("capacity ", capacity);
    const auto problem =
        test::error_of([&] { static_cast<void>(publisher("q", directory.options(capacity))); });
    REQUIRE(problem.code);
    const bool named = *problem.code == errc::invalid_option || *problem.code == errc::no_space ||
                       *problem.code == errc::out_of_memory;
    CHECK_MESSAGE(named, problem.text);
  }
  const std::function<void(queue_options&)> impossible[] = {
      [](auto& o) { o.open = static_cast<millrace::opening>(3); },
      [](auto& o) { o.life = static_cast<lifetime>(2); },
      [](auto& o) { o.life = static_cast<lifetime>(-1); },
      [](auto& o) { o.guarantee = static_cast<delivery>(2); },
      [](auto& o) { o.publishers = static_cast<role>(2); },
      [](auto& o) { o.subscribers = static_cast<role>(256); },
      [](auto& o) { o.permissions = 01777; },
      [](auto& o) { o.permissions = 0400; },
      [](auto& o) { o.patience = std::chrono::nanoseconds(-1); },
      [](auto& o) { o.spin = std::chrono::nanoseconds(-1); },
      [](auto& o) { o.directory += std::string("/\0/", 3); }};
  for (const auto& spoil : impossible) {
    INFO("number ", &spoil - impossible);
    auto options = directory.options();
    spoil(options);
    CHECK_ERROR(errc::invalid_option, publisher("q", options));
    CHECK_ERROR(errc::invalid_option, subscriber("q", options));
  }
  CHECK(directory.entries().empty());
}

namespace {

/// Opens queue "q", made with `made`, with `asked`: refused, and `words` are in the text.
void refuses(const queue_options& made, const queue_options& asked,
             std::initializer_list<std::string_view> words) {
  publisher maker("q", made);
  CHECK(maker.try_enqueue("kept") == millrace::status::ok);
  const std::function<void()> ways[] = {[&] { publisher("q", asked); },
                                        [&] { subscriber("q", asked); }};
  for (const auto& way : ways) {
    const auto problem = test::error_of(way);
    REQUIRE(problem.code);
    CHECK(*problem.code == errc::option_mismatch);
    INFO("said: ", problem.text);
    CHECK(problem.says("q"));
    for (const auto word : words) {
      INFO("should say ", word);
      CHECK(problem.says(word));
    }
  }
  const auto info = millrace::stat("q", made.directory);
  CHECK(info.participants.size() == 1);
  CHECK(info.depth == 1);
}

}  // namespace

TEST_CASE("an explicit option that differs is refused, saying expected and found") {
  test::scratch directory;
  const auto made = directory.options(64 * 256, 256);
  auto asked = directory.options();
  SUBCASE("capacity") {
    asked.capacity = 128 * 256;
    refuses(made, asked, {"capacity", "32768", "16384"});
  }
  SUBCASE("block size") {
    asked.block_size = 512;
    refuses(made, asked, {"block", "512", "256"});
  }
  SUBCASE("publishers") {
    asked.publishers = role::exclusive;
    refuses(made, asked, {"publisher", "exclusive", "shared"});
  }
  SUBCASE("subscribers") {
    asked.subscribers = role::exclusive;
    refuses(made, asked, {"subscriber", "exclusive", "shared"});
  }
  SUBCASE("guarantee") {
    asked.guarantee = delivery::at_most_once;
    refuses(made, asked, {"at_most_once", "at_least_once"});
  }
  SUBCASE("lifetime") {
    asked.life = lifetime::transient;
    refuses(made, asked, {"transient", "persistent"});
  }
}

TEST_CASE("an explicit option that a queue of other than the defaults does not have is refused") {
  test::scratch directory;
  auto made = directory.options(64 * 256, 256);
  made.guarantee = delivery::at_most_once;
  made.subscribers = role::exclusive;
  auto asked = directory.options();
  SUBCASE("guarantee") {
    asked.guarantee = delivery::at_least_once;
    refuses(made, asked, {"at_most_once", "at_least_once"});
  }
  SUBCASE("subscribers") {
    asked.subscribers = role::shared;
    refuses(made, asked, {"subscriber", "exclusive", "shared"});
  }
}

TEST_CASE("what was not chosen is taken from the existing queue") {
  test::scratch directory;
  auto made = directory.options(64 * 4096, 4096);
  made.guarantee = delivery::at_most_once;
  made.life = lifetime::transient;
  made.publishers = role::exclusive;
  made.subscribers = role::exclusive;
  publisher p("q", made);
  subscriber s("q", directory.options());  // nothing chosen
  CHECK(s.max_message_size() == 32 * 4096);
  CHECK(p.try_enqueue("x") == millrace::status::ok);
  CHECK(s.try_dequeue());
  CHECK_ERROR(errc::role_taken, subscriber("q", directory.options()));
}

TEST_CASE("explicit options equal to what the queue has are accepted") {
  test::scratch directory;
  auto options = directory.options(64 * 4096, 4096);
  options.guarantee = delivery::at_most_once;
  options.life = lifetime::transient;
  options.publishers = role::exclusive;
  options.subscribers = role::shared;
  publisher p("q", options);
  subscriber one("q", options);
  subscriber two("q", options);
  CHECK(p.try_enqueue("x") == millrace::status::ok);
  CHECK(two.try_dequeue());
}

TEST_CASE("the default directory is the user's own") {
  const auto directory = millrace::default_directory();
  CHECK(directory.is_absolute());
  CHECK(directory.filename().string().starts_with("millrace-"));
}
