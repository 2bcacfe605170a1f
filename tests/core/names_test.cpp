// The words that statuses and error codes have for people.
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>

using millrace::errc;
using millrace::status;

TEST_CASE("every status has a name of its own") {
  std::set<std::string> names;
  for (const auto s :
       {status::ok, status::full, status::empty, status::timeout, status::cancelled,
        status::too_large, status::buffer_too_small, status::removed, status::closed}) {
    names.emplace(to_string(s));
  }
  CHECK(names.size() == 9);
  CHECK(names.count("unknown") == 0);
  CHECK(to_string(status::buffer_too_small) == "buffer_too_small");
  CHECK(to_string(static_cast<status>(99)) == "unknown");
}

TEST_CASE("every error code has a name of its own") {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(errc::system); ++code) {
    names.emplace(to_string(static_cast<errc>(code)));
  }
  CHECK(names.size() == static_cast<std::size_t>(errc::system) + 1);
  CHECK(to_string(errc::role_taken) == "role_taken");
  CHECK(to_string(errc::no_space) == "no_space");
}

TEST_CASE("an error carries its code and its text") {
  const millrace::error problem(errc::not_found, "queue 'x': nothing there");
  CHECK(problem.code() == errc::not_found);
  CHECK(std::string(problem.what()) == "queue 'x': nothing there");
}
