// Making and opening queues: who makes one, where it lies, and who may use it.
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/errors.hpp"
#include "support/other_user.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using millrace::errc;
using millrace::opening;
using millrace::publisher;
using millrace::queue_options;
using millrace::status;
using millrace::subscriber;

namespace {

queue_options with(queue_options options, opening open) {
  options.open = open;
  return options;
}

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777u;
}

}  // namespace

TEST_CASE("create_only makes a queue once, open_only never makes one") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  CHECK_ERROR(errc::not_found, publisher("q", with(options, opening::open_only)));
  CHECK_ERROR(errc::not_found, subscriber("q", with(options, opening::open_only)));
  CHECK(directory.entries().empty());
  publisher p("q", with(options, opening::create_only));
  CHECK_ERROR(errc::already_exists, publisher("q", with(options, opening::create_only)));
  CHECK_ERROR(errc::already_exists, subscriber("q", with(options, opening::create_only)));
  subscriber s("q", with(options, opening::open_only));
  CHECK(p.try_enqueue("x") == status::ok);
  CHECK(s.try_dequeue());
  CHECK(directory.entries().size() == 1);
}

TEST_CASE("a queue and what is in it outlive those who used it") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  { CHECK(publisher("q", options).try_enqueue("one") == status::ok); }
  { CHECK(publisher("q", options).try_enqueue("two") == status::ok); }
  subscriber s("q", with(options, opening::open_only));
  for (const auto* text : {"one", "two"}) {
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(m->text() == text);
    CHECK_FALSE(m->redelivered());
  }
}

TEST_CASE("queues of different names, and of one name in different directories, are apart") {
  test::scratch here;
  test::scratch there;
  publisher a("a", here.options());
  publisher b("b", here.options());
  publisher a_there("a", there.options());
  CHECK(a.try_enqueue("a") == status::ok);
  CHECK(b.try_enqueue("b") == status::ok);
  CHECK(a_there.try_enqueue("a there") == status::ok);
  const auto first = [](std::string_view name, const test::scratch& directory) {
    subscriber s(name, directory.options());
    auto m = s.try_dequeue();
    REQUIRE(m);
    const std::string text(m->text());
    m.reset();
    CHECK_FALSE(s.try_dequeue());
    return text;
  };
  CHECK(first("a", here) == "a");
  CHECK(first("b", here) == "b");
  CHECK(first("a", there) == "a there");
}

TEST_CASE("the file gets exactly the permissions asked for, whatever the umask") {
  test::scratch directory;
  const mode_t before = ::umask(0);
  int number = 0;
  for (const unsigned umask : {0u, 022u, 077u, 0777u}) {
    for (const unsigned permissions : {0600u, 0640u, 0660u, 0666u}) {
      CAPTURE(umask);
      CAPTURE(permissions);
      auto options = directory.options(4096, 64);
      options.permissions = permissions;
      const std::string name = "q" + std::to_string(number++);
      ::umask(umask);
      publisher p(name, options);
      ::umask(before);
      CHECK(mode_of(millrace::stat(name, directory.path()).path) == permissions);
    }
  }
  ::umask(before);
}

TEST_CASE("the default directory is made when needed, for its user alone") {
  if (!test::can_become_other_user()) {
    return;
  }
  fs::path directory;
  CHECK(test::succeeds_as_other_user([] {
    ::umask(0);
    millrace::queue_options options;
    options.capacity = 4096;
    options.block_size = 64;
    publisher p("q", options);
    subscriber s("q");
    test::expect(p.try_enqueue("x") == status::ok);
    test::expect(s.try_dequeue().has_value());
    test::expect(mode_of(millrace::default_directory()) == 0700, "mode");
    test::expect(millrace::list() == std::vector<std::string>{"q"});
    test::expect(millrace::peek("q").empty());
    test::expect(millrace::remove("q"));
    test::expect(::rmdir(millrace::default_directory().c_str()) == 0, "something left in it");
  }));
}
