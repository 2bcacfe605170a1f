// What a queue is made of running out: space, addresses, descriptors, semaphores, places.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/mount.h>
#include <sys/resource.h>

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

TEST_CASE("a full file system is no_space, and nothing is left behind") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  test::with_own_mounts(
      [&] { return ::mount("small", directory.path().c_str(), "tmpfs", 0, "size=512k") == 0; },
      [&] {
        for (const std::size_t capacity : {std::size_t{1} << 20, std::size_t{1} << 30}) {
          const auto found = test::error_of([&] { publisher("q", directory.options(capacity)); });
          test::expect(found.code == errc::no_space, found.text);
          test::expect(directory.entries().empty());
        }
        // What fits is made, and stays whole when the rest of the file system is used up.
        publisher p("q", directory.options(64 * 64, 64));
        subscriber s("q", directory.options());
        std::ofstream rest(directory.path() / "rest");
        rest << std::string(1 << 20, 'r') << std::flush;
        for (int i = 0; i < 1000; ++i) {
          test::expect(p.try_enqueue(std::string(2000, 'x')) == status::ok);
          test::expect(s.try_dequeue()->text().size() == 2000);
        }
        const auto found = test::error_of([&] { publisher("q2", directory.options(64 * 64, 64)); });
        test::expect(found.code == errc::no_space, found.text);
        millrace::remove("q", directory.path());
      });
  CHECK(test::named_semaphores() == semaphores);
}

TEST_CASE("a limit on file sizes is a named error, and nothing is left behind") {
  test::scratch directory;
  CHECK(test::child::succeeds([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100'000, 100'000};
    test::expect(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto found = test::error_of([&] { publisher("q", directory.options()); });
    test::expect(found.code == errc::no_space || found.code == errc::system, found.text);
  }));
  CHECK(directory.entries().empty());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need much of it
TEST_CASE("no address space for the mapping is out_of_memory, and nothing is left behind") {
  test::scratch directory;
  CHECK(test::child::succeeds([&] {
    const rlimit small{std::size_t{64} << 20, std::size_t{64} << 20};
    test::expect(::setrlimit(RLIMIT_AS, &small) == 0);
    const auto found =
        test::error_of([&] { publisher("q", directory.options(std::size_t{128} << 20)); });
    test::expect(found.code == errc::out_of_memory, found.text);
  }));
  CHECK(directory.entries().empty());
}
#endif

TEST_CASE("no file descriptors left is a named error, and nothing is left behind") {
  test::scratch directory;
  CHECK(test::child::succeeds([&] {
    rlimit enough{};
    test::expect(::getrlimit(RLIMIT_NOFILE, &enough) == 0);
    for (rlim_t open = 3; open < 12; ++open) {
      const rlimit few{open, enough.rlim_max};
      test::expect(::setrlimit(RLIMIT_NOFILE, &few) == 0);
      const auto found = test::error_of([&] { publisher("q", directory.options(4096, 64)); });
      test::expect(::setrlimit(RLIMIT_NOFILE, &enough) == 0);
      test::expect(!found.code || found.code == errc::system, found.text);
      if (found.code) {
        // Half-way through opening it may exist already, but then as a whole queue of its own.
        test::expect(directory.entries().size() <= 1, "stray files");
        publisher p("q", directory.options(4096, 64));
        test::expect(millrace::stat("q", directory.path()).participants.size() == 1);
      }
      millrace::remove("q", directory.path());
      test::expect(directory.entries().empty(), "stray files");
    }
  }));
}

TEST_CASE("no room for a queue's semaphores is a named error, and nothing is left behind") {
  const fs::path roomy = fs::temp_directory_path();
  const queue_options options{.directory = roomy};
  const auto fill = [&] {
    if (::mount("roomy", roomy.c_str(), "tmpfs", 0, "size=8m") != 0) {
      return false;
    }
    test::expect(publisher("used", options).try_enqueue("kept") == status::ok);
    return ::mount("full", "/dev/shm", "tmpfs", 0, "nr_inodes=1") == 0;
  };
  test::with_own_mounts(fill, [&] {
    for (const char* name : {"new", "used"}) {
      for (const std::function<void()>& open :
           {std::function<void()>([&] { publisher(name, options); }),
            std::function<void()>([&] { subscriber(name, options); })}) {
        const auto found = test::error_of(open);
        test::expect(found.code == errc::no_space, found.text);
      }
    }
    test::expect(millrace::list(roomy) == std::vector<std::string>{"used"});
    test::expect(millrace::stat("used", roomy).depth == 1);
  });
}

TEST_CASE("more handles than the table of participants holds are too_many_participants") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  rlimit descriptors{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  const rlimit before = descriptors;
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 20'000);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  {
    std::vector<subscriber> all;
    test::caught problem;
    while (!problem.code && all.size() < 5000) {
      problem = test::error_of([&] { all.emplace_back("q", options); });
    }
    INFO("said: ", problem.text);
    REQUIRE(problem.code);
    CHECK(*problem.code == errc::too_many_participants);
    CHECK(all.size() >= 64);
    CHECK(millrace::stat("q", directory.path()).participants.size() == all.size());
    all.pop_back();
    publisher p("q", options);  // its place is free again
    CHECK(p.try_enqueue("x") == status::ok);
    CHECK(all.back().try_dequeue());
    CHECK_ERROR(errc::too_many_participants, publisher("q", options));
  }
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}
