// Which names a queue may have.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::subscriber;

TEST_CASE("names of 1 to 200 bytes of letters, digits, dot, underscore and hyphen are fine") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  for (const auto& name :
       {std::string("a"), std::string("Z"), std::string("0"), std::string("_"), std::string("-"),
        std::string("a."), std::string("a.b-c_D9"), std::string("-rf"), std::string(200, 'n')}) {
    INFO("name ", name);
    publisher p(name, options);
    subscriber s(name, options);
    CHECK(p.try_enqueue("hello") == millrace::status::ok);
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(m->text() == "hello");
  }
}

TEST_CASE("names of no or too many bytes, or that start with a dot, are refused") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  for (const auto& name : {std::string(), std::string("."), std::string(".."), std::string(".a"),
                           std::string(201, 'n'), std::string(4096, 'n')}) {
    INFO("name of ", name.size(), " bytes");
    CHECK_ERROR(errc::invalid_name, publisher(name, options));
    CHECK_ERROR(errc::invalid_name, subscriber(name, options));
    CHECK_ERROR(errc::invalid_name, millrace::stat(name, directory.path()));
    CHECK_ERROR(errc::invalid_name, millrace::peek(name, 1, directory.path()));
    CHECK_ERROR(errc::invalid_name, millrace::remove(name, directory.path()));
  }
  CHECK(directory.entries().empty());
}

TEST_CASE("any other byte anywhere in a name is refused") {
  test::scratch directory;
  const auto options = directory.options(4096, 64);
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<char>(code);
    if (allowed.find(byte) != std::string::npos) {
      continue;
    }
    for (const auto& name :
         {std::string(1, byte), std::string("a") + byte, std::string("a") + byte + "b"}) {
      INFO("byte ", code, " at ", name.find(byte), " of ", name.size());
      const auto problem = test::error_of([&] { publisher(name, options); });
      REQUIRE(problem.code);
      CHECK(*problem.code == errc::invalid_name);
      const bool clean =
          std::ranges::all_of(problem.text, [](char c) { return c >= ' ' && c <= '~'; });
      CHECK_MESSAGE(clean, problem.text);  // fit for a terminal
    }
  }
  CHECK(directory.entries().empty());
  CHECK(test::error_of([&] { publisher("a\nb", options); }).says("queue 'a\\x0ab'"));
}
