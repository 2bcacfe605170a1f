// What calls across processes allocate: nothing, once each kind of call has been made.
#include <chrono>
#include <new>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

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

TEST_CASE("service: a server that memory is refused once answers every call all the same") {
  constexpr std::size_t calls = 20;
  bool refused = true;
  for (int after = 0; refused; ++after) {
    const test::scratch scratch;
    service server("desk", service_in(scratch));
    std::optional<client> desk;
    {
      const std::jthread greeting([&](const std::stop_token& stop) { (void)server.receive(stop); });
      desk.emplace("desk", client_in(scratch));
    }
    std::vector<millrace::async_reply<int>> replies;
    for (std::size_t i = 0; i < calls; ++i) {
      replies.push_back(call_async(*desk, add{1, 2}));
    }
    std::vector<reply_box<int>> boxes;  // all at a time, for which the server needs room
    boxes.reserve(calls);
    auto keeper = clerk_but([&](add&&, reply_box<int> box) { boxes.push_back(std::move(box)); });
    refused = false;
    test::refuse_an_allocation(after);
    while (boxes.size() < calls) {
      try {
        auto message = server.receive_after(std::chrono::seconds(0));
        if (!message) {
          break;
        }
        handle(std::move(*message), keeper);
      } catch (const std::bad_alloc&) {
        refused = true;
      }
    }
    test::refuse_an_allocation(-1);
    for (auto& box : boxes) {
      (void)reply_to(box, 3);
    }
    int failed = 0;
    for (auto& reply : replies) {
      CHECK(reply.wait_for(long_time));
      const auto result = reply.try_take();
      failed += *result ? 0 : 1;
    }
    CHECK(failed <= (refused ? 1 : 0));
  }
}

}  // namespace
