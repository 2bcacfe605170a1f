// What calls across processes allocate: nothing, once each kind of call has been made.
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include <doctest/doctest.h>

#include "calculator.hpp"
#include "support/allocations.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using namespace calculator;
using millrace::reply_box;

namespace {

TEST_CASE("service: calls and casts allocate nothing, in the client and in the server") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  const auto all_ways = [&] {
    int right = 0;
    for (int i = 0; i < 100; ++i) {
      right += cast(desk, store{i}) ? 1 : 0;
      right += call(desk, recall{}, long_time).value() == i ? 1 : 0;
      auto later = call_async(desk, add{i, 2});
      right += later.wait_for(long_time) && later.try_take()->value() == i + 2 ? 1 : 0;
    }
    return right;
  };
  CHECK(all_ways() == 3 * 100);
  // Twice a second the server looks who lives, which allocates: that may fall into some attempts.
  test::eventually([&] { return test::allocated_by([&] { (void)all_ways(); }) == 0; });
}

}  // namespace
