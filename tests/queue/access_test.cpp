// Users, directories and file systems that do not let everybody do everything.
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include <sys/mount.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/other_user.hpp"
#include "support/scratch.hpp"
#include "support/with_own_mounts.hpp"

namespace fs = std::filesystem;
using millrace::errc;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;

TEST_CASE("a queue of another user is refused unless the permissions say otherwise") {
  if (!test::can_become_other_user()) {
    return;
  }
  test::scratch directory;
  fs::permissions(directory.path(), fs::perms::all);
  const auto code_of = [](auto&& action) { return test::error_of(action).code; };
  auto open_to_all = directory.options(4096, 64);
  open_to_all.permissions = 0666;

  SUBCASE("theirs, seen by root") {
    REQUIRE(test::succeeds_as_other_user([&] { publisher("q", directory.options(4096, 64)); }));
    CHECK_ERROR(errc::wrong_owner, publisher("q", directory.options()));
    CHECK_ERROR(errc::wrong_owner, subscriber("q", directory.options()));
    publisher p("q", open_to_all);
    CHECK(p.try_enqueue("x") == status::ok);
  }
  SUBCASE("ours and closed, seen by them") {
    publisher p("q", directory.options(4096, 64));
    CHECK(test::succeeds_as_other_user([&] {
      const auto found = code_of([&] { publisher("q", open_to_all); });
      test::expect(found == errc::permission_denied, found ? std::string(to_string(*found)) : "-");
    }));
  }
  SUBCASE("ours and open to all, seen by them") {
    publisher p("q", open_to_all);
    subscriber s("q", open_to_all);
    CHECK(test::succeeds_as_other_user([&] {
      test::expect(code_of([&] { publisher("q", directory.options()); }) == errc::wrong_owner);
      publisher theirs("q", open_to_all);
      test::expect(theirs.try_enqueue("hello") == status::ok);
    }));
    auto m = s.dequeue();  // the semaphores work between users too
    REQUIRE(m);
    CHECK(m->text() == "hello");
    auto waiter = test::child::run([&] {
      test::become_other_user();
      subscriber theirs("q", open_to_all);
      return theirs.dequeue() ? 0 : 1;
    });
    test::eventually([&] { return test::process_state(waiter.pid()) == 'S'; });
    CHECK(p.enqueue("wake") == status::ok);
    CHECK(waiter.wait() == 0);
  }
}

TEST_CASE("a directory that may not be written or read is permission_denied") {
  if (!test::can_become_other_user()) {
    return;
  }
  test::scratch directory;
  SUBCASE("not written") {
    fs::permissions(directory.path(), fs::perms(0555));
    CHECK(test::succeeds_as_other_user([&] {
      const auto found = test::error_of([&] { publisher("q", directory.options(4096, 64)); });
      test::expect(found.code == errc::permission_denied, found.text);
      test::expect(millrace::list(directory.path()).empty());
    }));
  }
  SUBCASE("not read") {
    fs::permissions(directory.path(), fs::perms(0000));
    CHECK(test::succeeds_as_other_user([&] {
      const auto made = test::error_of([&] { publisher("q", directory.options(4096, 64)); });
      test::expect(made.code == errc::permission_denied, made.text);
      const auto listed =
          test::error_of([&] { static_cast<void>(millrace::list(directory.path())); });
      test::expect(listed.code == errc::permission_denied, listed.text);
    }));
  }
  CHECK(directory.entries().empty());
}

TEST_CASE("a queue in a directory that may not be written can be used, not made or removed") {
  if (!test::can_become_other_user()) {
    return;
  }
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.permissions = 0666;
  publisher p("q", options);
  subscriber s("q", options);
  fs::permissions(directory.path(), fs::perms(0555));
  CHECK(test::succeeds_as_other_user([&] {
    publisher theirs("q", options);
    test::expect(theirs.try_enqueue("hello") == status::ok);
    test::expect(millrace::stat("q", directory.path()).depth == 1);
    const auto made = test::error_of([&] { publisher("q2", options); });
    test::expect(made.code == errc::permission_denied, made.text);
  }));
  const auto m = s.try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "hello");
}

TEST_CASE("a queue on a read-only file system can be looked at, not used") {
  test::scratch directory;
  { CHECK(publisher("q", directory.options(4096, 64)).try_enqueue("kept") == status::ok); }
  test::with_own_mounts(
      [&] {
        const char* const path = directory.path().c_str();
        return ::mount(path, path, nullptr, MS_BIND, nullptr) == 0 &&
               ::mount(path, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
      },
      [&] {
        const auto code_of = [](auto&& action) { return test::error_of(action).code; };
        const auto options = directory.options();
        test::expect(code_of([&] { publisher("q", options); }) == errc::permission_denied);
        test::expect(code_of([&] { subscriber("q", options); }) == errc::permission_denied);
        test::expect(code_of([&] { publisher("q2", options); }) == errc::permission_denied);
        test::expect(code_of([&] { millrace::remove("q", directory.path()); }) ==
                     errc::permission_denied);
        test::expect(millrace::stat("q", directory.path()).depth == 1);
        test::expect(millrace::peek("q", 2, directory.path()).size() == 1);
      });
}
