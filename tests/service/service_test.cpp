// Calls between processes, here between threads of one: what becomes of them while all goes well.
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "calculator.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using namespace calculator;
using millrace::command_errc;
using millrace::reply_box;

namespace {

TEST_CASE("service: calls return what the handler replies") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{40, 2}, long_time).value() == 42);
  CHECK(call(desk, join{{"mill", "", "race"}}, long_time).value() == "millrace");
  CHECK(cast(desk, store{7}));
  CHECK(call(desk, recall{}, long_time).value() == 7);
  call(desk, clear{}, long_time).value();
  CHECK(call(desk, recall{}, long_time).value() == 0);
}

}  // namespace
