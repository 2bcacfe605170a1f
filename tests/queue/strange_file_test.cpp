// What lies where a queue is looked for and is none, or no whole one: it is refused and left alone.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/errors.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using millrace::errc;
using millrace::publisher;
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

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whatever lies at the path of queue "q": every way to open it says `code`.
void every_opening_is(errc code, const test::scratch& directory) {
  auto options = directory.options();
  CHECK_ERROR(code, publisher("q", options));
  CHECK_ERROR(code, subscriber("q", options));
  options.open = millrace::opening::open_only;
  CHECK_ERROR(code, publisher("q", options));
  CHECK_ERROR(code, millrace::stat("q", directory.path()));
  CHECK_ERROR(code, millrace::peek("q", 1, directory.path()));
  options.open = millrace::opening::create_only;
  const auto problem = test::error_of([&] { publisher("q", options); });
  REQUIRE(problem.code);
  CHECK((*problem.code == code || *problem.code == errc::already_exists));
}

}  // namespace

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
