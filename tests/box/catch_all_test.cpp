// Loops that outlive what their messages throw.
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/catch_all.hpp>

#include "box/messages.hpp"

using millrace::message_box;
using test::fragile;

namespace {

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("handle_message hands one message to a function") {
  message_box<int> box;
  std::vector<int> handled;
  const auto f = [&](int n) { handled.push_back(n); };
  {
    auto in = box.new_input();
    CHECK(in.deliver(1));
    CHECK(in.deliver(2));
    CHECK(millrace::handle_message(box, f));
  }
  CHECK(millrace::handle_message(box, f));
  CHECK_FALSE(millrace::handle_message(box, f));
  CHECK(handled == std::vector{1, 2});
}

TEST_CASE("what is thrown on the way in, on the way out and by the handler goes to the hook") {
  message_box<fragile> box;
  std::vector<std::string> reports;
  const auto hook = [&](const std::exception_ptr& e) {
    reports.push_back(text_of(e));
    throw 1;  // which ends nothing either
  };
  auto safe = millrace::catch_all(box, hook);
  {
    auto in = millrace::catch_all(box.new_input(), hook);
    CHECK_FALSE(in.deliver(fragile(1, 0)));
    CHECK(reports.size() == 1);
    CHECK(in.deliver(fragile(2, 1)));  // throws when it is received
    CHECK(in.deliver(fragile(3, 9)));
    CHECK(in.deliver(fragile(4, 9)));
    CHECK(in.deliver(fragile(5, 1)));
    CHECK(in.deliver(fragile(6, 9)));
  }
  const auto m = safe.receive();
  REQUIRE(m);
  CHECK(m->value == 3);
  CHECK(reports.size() == 2);
  std::vector<int> handled;
  safe.handle_all([&](const fragile& f) {
    handled.push_back(f.value);
    if (f.value == 4) {
      throw std::logic_error("handler");
    }
  });
  CHECK(handled == std::vector{4, 6});
  CHECK(reports == std::vector<std::string>{"fragile", "fragile", "handler", "fragile"});
  CHECK_FALSE(safe.receive());
  CHECK_FALSE(safe.try_receive());
}
