// Processes in odd surroundings: without a current directory, standard streams or /proc.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/mount.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/with_own_mounts.hpp"

namespace fs = std::filesystem;
using millrace::errc;
using millrace::publisher;
using millrace::queue_options;
using millrace::status;
using millrace::subscriber;

TEST_CASE("a relative directory in a current one that is gone is a named error") {
  test::scratch directory;
  CHECK(test::child::succeeds([&] {
    const fs::path gone = directory.path() / "gone";
    fs::create_directory(gone);
    fs::current_path(gone);
    fs::remove(gone);
    const queue_options options{.directory = "queues"};
    for (const std::function<void()>& use :
         {std::function<void()>([&] { publisher("q", options); }),
          std::function<void()>([&] { static_cast<void>(millrace::stat("q", "queues")); }),
          std::function<void()>([&] { millrace::remove("q", "queues"); })}) {
      const auto found = test::error_of(use);
      test::expect(found.code == errc::not_found, found.text);
      test::expect(found.says("queues/q"), found.text);
    }
  }));
}

TEST_CASE("what is printed by a program that closed its standard streams stays out of the queue") {
  test::scratch directory;
  CHECK(test::child::succeeds([&] {
    for (int stream = 0; stream < 3; ++stream) {
      ::close(stream);
    }
    publisher p("q", directory.options());
    subscriber s("q", directory.options());
    for (int stream = 0; stream < 3; ++stream) {
      test::expect(::write(stream, "printed", 7) == -1);
    }
    test::expect(p.try_enqueue("kept") == status::ok);
  }));
  CHECK(millrace::stat("q", directory.path()).depth == 1);
}

TEST_CASE("a queue can be made where /proc is not mounted") {
  test::scratch directory;
  test::with_own_mounts([] { return ::umount2("/proc", MNT_DETACH) == 0; },
                        [&] {
                          publisher p("q", directory.options());
                          subscriber s("q", directory.options());
                          test::expect(p.try_enqueue("x") == status::ok);
                          test::expect(s.dequeue().has_value());
                          test::expect(directory.entries() == std::vector<std::string>{"q"});
                        });
}
