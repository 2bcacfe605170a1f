#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <millrace/box/result.hpp>

namespace {

using millrace::failure;
using millrace::result;

TEST_CASE("result: has a value, which may be moved out") {
  result<std::unique_ptr<int>, std::string> r(std::make_unique<int>(3));
  REQUIRE(r);
  REQUIRE(r.has_value());
  CHECK(**r == 3);
  CHECK(*r->get() == 3);
  const std::unique_ptr<int> out = std::move(r).value();
  CHECK(*out == 3);
}

TEST_CASE("result: has an error, also one of the value's type") {
  const result<std::string, std::string> r(failure<std::string>{"no"});
  REQUIRE_FALSE(r);
  CHECK(r.error() == "no");
}

TEST_CASE("result: asking for the value that is not there throws the error") {
  result<int, std::string> r(failure<std::string>{"no"});
  try {
    static_cast<void>(r.value());
    FAIL("nothing thrown");
  } catch (const millrace::bad_result_access<std::string>& access) {
    CHECK(access.error() == "no");
  }
}

TEST_CASE("result: may be of void") {
  const result<void, int> good;
  CHECK(good);
  const result<void, int> bad(failure{7});
  REQUIRE_FALSE(bad);
  CHECK(bad.error() == 7);
}

}  // namespace
