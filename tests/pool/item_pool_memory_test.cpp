// What an item pool allocates, and that a hundred thousand items leave nothing behind.
#include <cstddef>
#include <ranges>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/pool/item_pool.hpp>

#include "pool/items.hpp"
#include "support/allocations.hpp"
#include "support/child.hpp"

using millrace::item_id;
using millrace::item_pool;
using test::add;
using test::allocated_by;
using test::counter;

namespace {

/// 100,000 items, 3 requests each, in batches of 1,000.
void live_and_die() {
  constexpr item_id items = 100'000;
  constexpr item_id batch = 1'000;
  item_pool<counter> pool(2);
  int ok = 0;
  const auto in_batches = [&](auto request) {
    for (item_id first = 0; first < items; first += batch) {
      for (auto& r : pool.send_and_receive(std::views::iota(first, first + batch) |
                                           std::views::transform(request))) {
        ok += r.ok() ? 1 : 0;
      }
    }
  };
  in_batches([](item_id id) { return millrace::init_request<int>(id, 1); });
  for (int i = 0; i < 3; ++i) {
    in_batches([](item_id id) { return add(id, 1); });
  }
  REQUIRE(ok == 4 * 100'000);
  int sum = 0;
  for (auto& r : pool.shutdown()) {
    sum += r.value();
  }
  REQUIRE(sum == 4 * 100'000);
}

}  // namespace

TEST_CASE("a single request allocates nothing, and a batch a few times for all") {
  item_pool<counter> pool(2);
  for (item_id id = 0; id < 1000; ++id) {
    REQUIRE(pool.init(id, 0).ok());
  }
  int ok = 0;
  CHECK(allocated_by([&] {
          for (item_id id = 0; id < 1000; ++id) {
            ok += pool.send_and_receive_once(add(id, 1)).ok() ? 1 : 0;
          }
        }) == 0);
  CHECK(ok == 1000);
  CHECK(allocated_by([&] {
          for (auto& r : pool.send_and_receive(
                   std::views::iota(0u, 1000u) |
                   std::views::transform([](unsigned id) { return add(id, 1); }))) {
            ok += r.ok() ? 1 : 0;
          }
        }) < 50);
  CHECK(ok == 2000);
}

TEST_CASE("a hundred thousand items that were asked and shut down leave nothing behind") {
  for (int round = 0; round < 3; ++round) {
    live_and_die();
  }
  const std::size_t before = test::resident_memory();
  CHECK(test::allocated_and_not_freed_by([] { live_and_die(); }) == 0);
  for (int round = 0; round < 6; ++round) {
    live_and_die();
  }
  const std::size_t after = test::resident_memory();
  CHECK(after < before + (std::size_t{8} << 20));
}
