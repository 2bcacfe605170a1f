// Making and opening a queue's file: who may, what is refused, and what is left when it fails.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
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

/// Where the file of queue `name` in this directory is.
fs::path path_of(std::string_view name, const test::scratch& directory) {
  publisher maker(name, directory.options(4096, 64));
  const fs::path path = millrace::stat(name, directory.path()).path;
  millrace::remove(name, directory.path());
  return path;
}

queue_options with(queue_options options, opening open) {
  options.open = open;
  return options;
}

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777u;
}

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whatever lies at the path of queue "q": every way to open it says `code`.
void every_opening_is(errc code, const test::scratch& directory) {
  const auto options = directory.options();
  CHECK_ERROR(code, publisher("q", options));
  CHECK_ERROR(code, subscriber("q", options));
  CHECK_ERROR(code, publisher("q", with(options, opening::open_only)));
  CHECK_ERROR(code, millrace::stat("q", directory.path()));
  CHECK_ERROR(code, millrace::peek("q", 1, directory.path()));
  const auto problem = test::error_of([&] { publisher("q", with(options, opening::create_only)); });
  REQUIRE(problem.code);
  CHECK((*problem.code == code || *problem.code == errc::already_exists));
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

TEST_CASE("links are not followed") {
  test::scratch directory;
  const fs::path path = path_of("q", directory);
  publisher target("target", directory.options(4096, 64));
  REQUIRE(target.try_enqueue("kept") == status::ok);
  const fs::path target_path = millrace::stat("target", directory.path()).path;
  SUBCASE("to another queue") {
    fs::create_symlink(target_path, path);
  }
  SUBCASE("to nothing") {
    fs::create_symlink(directory.path() / "nothing", path);
  }
  SUBCASE("to itself") {
    fs::create_symlink(path, path);
  }
  SUBCASE("to a device") {
    fs::create_symlink("/dev/zero", path);
  }
  every_opening_is(errc::not_a_queue, directory);
  CHECK_ERROR(errc::not_a_queue, millrace::remove("q", directory.path()));
  CHECK(millrace::list(directory.path()) == std::vector<std::string>{"target"});
  CHECK(fs::is_symlink(path));
  CHECK(millrace::stat("target", directory.path()).depth == 1);
  CHECK_FALSE(fs::exists(directory.path() / "nothing"));
}

TEST_CASE("what is no file is refused and left alone") {
  test::scratch directory;
  const fs::path path = path_of("q", directory);
  SUBCASE("a directory") {
    REQUIRE(fs::create_directory(path));
  }
  SUBCASE("a fifo, which nobody waits for") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  }
  SUBCASE("a socket") {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.native().size() < sizeof address.sun_path);
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  every_opening_is(errc::not_a_queue, directory);
  CHECK_ERROR(errc::not_a_queue, millrace::remove("q", directory.path()));
  CHECK(millrace::list(directory.path()).empty());
  CHECK(fs::exists(fs::symlink_status(path)));
  CHECK(directory.entries().size() == 1);
}

TEST_CASE("a file that is no queue is refused and not touched") {
  test::scratch directory;
  const fs::path path = path_of("q", directory);
  for (const auto& content :
       {std::string(), std::string("x"), std::string("just some text\n"), std::string(63, '\0'),
        std::string(4096, '\0'), std::string(1 << 20, '\xff'), std::string(100'000, 'm')}) {
    INFO("file of ", content.size(), " bytes");
    write_file(path, content);
    every_opening_is(errc::not_a_queue, directory);
    CHECK_ERROR(errc::not_a_queue, millrace::remove("q", directory.path()));
    CHECK(millrace::list(directory.path()).empty());
    CHECK(read_file(path) == content);
  }
}

TEST_CASE("a queue's file that was cut off is refused") {
  test::scratch directory;
  fs::path path;
  {
    publisher p("q", directory.options(4096, 64));
    CHECK(p.try_enqueue("x") == status::ok);
    path = millrace::stat("q", directory.path()).path;
  }
  const std::string whole = read_file(path);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{4095},
        std::size_t{4096}, whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    CAPTURE(size);
    write_file(path, std::string_view(whole).substr(0, size));
    every_opening_is(errc::not_a_queue, directory);
  }
  write_file(path, whole);
  subscriber s("q", directory.options());
  CHECK(s.try_dequeue());
}

TEST_CASE("a queue of another user is refused unless the permissions say otherwise") {
  if (!test::can_become_other_user()) {
    return;
  }
  test::scratch directory;
  fs::permissions(directory.path(), fs::perms::all);
  const auto as_other = [&](const std::function<void()>& body) {
    auto other = test::child::run([&] {
      test::become_other_user();
      body();
      return 0;
    });
    return other.wait() == 0;
  };
  const auto code_of = [](auto&& action) { return test::error_of(action).code; };
  auto open_to_all = directory.options(4096, 64);
  open_to_all.permissions = 0666;

  SUBCASE("theirs, seen by root") {
    REQUIRE(as_other([&] { publisher("q", directory.options(4096, 64)); }));
    CHECK_ERROR(errc::wrong_owner, publisher("q", directory.options()));
    CHECK_ERROR(errc::wrong_owner, subscriber("q", directory.options()));
    publisher p("q", open_to_all);
    CHECK(p.try_enqueue("x") == status::ok);
  }
  SUBCASE("ours and closed, seen by them") {
    publisher p("q", directory.options(4096, 64));
    CHECK(as_other([&] {
      const auto found = code_of([&] { publisher("q", open_to_all); });
      test::expect(found == errc::permission_denied, found ? std::string(to_string(*found)) : "-");
    }));
  }
  SUBCASE("ours and open to all, seen by them") {
    publisher p("q", open_to_all);
    subscriber s("q", open_to_all);
    CHECK(as_other([&] {
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
  const auto in_child = [&](const std::function<void()>& body) {
    auto other = test::child::run([&] {
      test::become_other_user();
      body();
      return 0;
    });
    return other.wait();
  };
  SUBCASE("not written") {
    fs::permissions(directory.path(), fs::perms(0555));
    CHECK(in_child([&] {
            const auto found = test::error_of([&] { publisher("q", directory.options(4096, 64)); });
            test::expect(found.code == errc::permission_denied, found.text);
            test::expect(millrace::list(directory.path()).empty());
          }) == 0);
  }
  SUBCASE("not read") {
    fs::permissions(directory.path(), fs::perms(0000));
    CHECK(in_child([&] {
            const auto made = test::error_of([&] { publisher("q", directory.options(4096, 64)); });
            test::expect(made.code == errc::permission_denied, made.text);
            const auto listed =
                test::error_of([&] { static_cast<void>(millrace::list(directory.path())); });
            test::expect(listed.code == errc::permission_denied, listed.text);
          }) == 0);
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
  auto other = test::child::run([&] {
    test::become_other_user();
    publisher theirs("q", options);
    test::expect(theirs.try_enqueue("hello") == status::ok);
    test::expect(millrace::stat("q", directory.path()).depth == 1);
    const auto made = test::error_of([&] { publisher("q2", options); });
    test::expect(made.code == errc::permission_denied, made.text);
    return 0;
  });
  CHECK(other.wait() == 0);
  const auto m = s.try_dequeue();
  REQUIRE(m);
  CHECK(m->text() == "hello");
}

TEST_CASE("a queue on a read-only file system can be looked at, not used") {
  test::scratch directory;
  { CHECK(publisher("q", directory.options(4096, 64)).try_enqueue("kept") == status::ok); }
  constexpr int cannot_mount = 77;
  auto other = test::child::run([&] {
    const char* const path = directory.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(path, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      return cannot_mount;
    }
    const auto code_of = [](auto&& action) { return test::error_of(action).code; };
    const auto options = directory.options();
    test::expect(code_of([&] { publisher("q", options); }) == errc::permission_denied);
    test::expect(code_of([&] { subscriber("q", options); }) == errc::permission_denied);
    test::expect(code_of([&] { publisher("q2", options); }) == errc::permission_denied);
    test::expect(code_of([&] { millrace::remove("q", directory.path()); }) ==
                 errc::permission_denied);
    test::expect(millrace::stat("q", directory.path()).depth == 1);
    test::expect(millrace::peek("q", 2, directory.path()).size() == 1);
    return 0;
  });
  const int result = other.wait();
  if (result == cannot_mount) {
    MESSAGE("skipped: needs the right to mount");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("a full file system is no_space, and nothing is left behind") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  constexpr int cannot_mount = 77;
  auto limited = test::child::run([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("small", directory.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
      return cannot_mount;
    }
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
    return 0;
  });
  const int result = limited.wait();
  if (result == cannot_mount) {
    MESSAGE("skipped: needs the right to mount");
    return;
  }
  CHECK(result == 0);
  CHECK(test::named_semaphores() == semaphores);
}

TEST_CASE("a limit on file sizes is a named error, and nothing is left behind") {
  test::scratch directory;
  auto limited = test::child::run([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100'000, 100'000};
    test::expect(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto found = test::error_of([&] { publisher("q", directory.options()); });
    test::expect(found.code == errc::no_space || found.code == errc::system, found.text);
    return 0;
  });
  CHECK(limited.wait() == 0);
  CHECK(directory.entries().empty());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need much of it
TEST_CASE("no address space for the mapping is out_of_memory, and nothing is left behind") {
  test::scratch directory;
  auto limited = test::child::run([&] {
    const rlimit small{std::size_t{64} << 20, std::size_t{64} << 20};
    test::expect(::setrlimit(RLIMIT_AS, &small) == 0);
    const auto found =
        test::error_of([&] { publisher("q", directory.options(std::size_t{128} << 20)); });
    test::expect(found.code == errc::out_of_memory, found.text);
    return 0;
  });
  CHECK(limited.wait() == 0);
  CHECK(directory.entries().empty());
}
#endif

TEST_CASE("no file descriptors left is a named error, and nothing is left behind") {
  test::scratch directory;
  auto limited = test::child::run([&] {
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
    return 0;
  });
  CHECK(limited.wait() == 0);
}

TEST_CASE("a relative directory in a current one that is gone is a named error") {
  test::scratch directory;
  auto lost = test::child::run([&] {
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
    return 0;
  });
  CHECK(lost.wait() == 0);
}

TEST_CASE("what is printed by a program that closed its standard streams stays out of the queue") {
  test::scratch directory;
  auto closed = test::child::run([&] {
    for (int stream = 0; stream < 3; ++stream) {
      ::close(stream);
    }
    publisher p("q", directory.options());
    subscriber s("q", directory.options());
    for (int stream = 0; stream < 3; ++stream) {
      test::expect(::write(stream, "printed", 7) == -1);
    }
    test::expect(p.try_enqueue("kept") == status::ok);
    return 0;
  });
  CHECK(closed.wait() == 0);
  CHECK(millrace::stat("q", directory.path()).depth == 1);
}

TEST_CASE("a queue can be made where /proc is not mounted") {
  test::scratch directory;
  constexpr int cannot_unmount = 77;
  auto without = test::child::run([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::umount2("/proc", MNT_DETACH) != 0) {
      return cannot_unmount;
    }
    publisher p("q", directory.options());
    subscriber s("q", directory.options());
    test::expect(p.try_enqueue("x") == status::ok);
    test::expect(s.dequeue().has_value());
    test::expect(directory.entries() == std::vector<std::string>{"q"});
    return 0;
  });
  const int result = without.wait();
  if (result == cannot_unmount) {
    MESSAGE("skipped: needs the right to unmount");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("no room for a queue's semaphores is a named error, and nothing is left behind") {
  constexpr int cannot_mount = 77;
  auto limited = test::child::run([&] {
    const fs::path roomy = fs::temp_directory_path();
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("roomy", roomy.c_str(), "tmpfs", 0, "size=8m") != 0) {
      return cannot_mount;
    }
    const queue_options options{.directory = roomy};
    test::expect(publisher("used", options).try_enqueue("kept") == status::ok);
    if (::mount("full", "/dev/shm", "tmpfs", 0, "nr_inodes=1") != 0) {
      return cannot_mount;
    }
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
    return 0;
  });
  const int result = limited.wait();
  if (result == cannot_mount) {
    MESSAGE("skipped: needs the right to mount");
    return;
  }
  CHECK(result == 0);
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

TEST_CASE("the default directory is made when needed, for its user alone") {
  if (!test::can_become_other_user()) {
    return;
  }
  fs::path directory;
  auto other = test::child::run([] {
    test::become_other_user();
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
    return 0;
  });
  CHECK(other.wait() == 0);
}
