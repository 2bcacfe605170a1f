// What an item pool does when something goes wrong: says so in that response, and nothing else.
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/core/error.hpp>
#include <millrace/pool/item_pool.hpp>

#include "pool/items.hpp"
#include "support/errors.hpp"
#include "support/watchdog.hpp"

using millrace::errc;
using millrace::item_pool;
using millrace::item_status;
using test::add;
using test::counter;
using test::total;

TEST_CASE("an item that throws fails that request only") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 0).ok());
  CHECK(pool.init(3, 0).ok());
  std::vector<item_status> got;
  for (auto& r : pool.send_and_receive_in_order(
           std::vector{add(1, 1), add(1, 0), add(1, 1), add(3, 1), add(5, 1)})) {
    got.push_back(r.status());
    if (r.status() == item_status::threw) {
      CHECK_THROWS_AS((void)r.value(), std::invalid_argument);
      CHECK(r.exception() != nullptr);
    }
  }
  CHECK(got == std::vector{item_status::ok, item_status::threw, item_status::ok, item_status::ok,
                           item_status::unknown_id});
  CHECK(pool.send_and_receive_once(total(1)).value() == 2);
  CHECK(pool.send(add(1, 0)));
  CHECK(pool.send_and_receive_once(total(1)).value() == 2);
}

TEST_CASE("init of an id that is taken leaves the item as it is, one that throws leaves none") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 5).ok());
  CHECK(pool.init(1, 6).status() == item_status::already_exists);
  CHECK(pool.send_and_receive_once(total(1)).value() == 5);
  CHECK(pool.init(2, -1).status() == item_status::threw);
  CHECK(pool.send_and_receive_once(total(2)).status() == item_status::unknown_id);
  CHECK(pool.init(2, 1).ok());
}

TEST_CASE("after shutdown everything is answered by closed") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 5).ok());
  CHECK(pool.shutdown().size() == 1);
  CHECK(pool.send_and_receive_once(total(1)).status() == item_status::closed);
  CHECK(pool.init(2, 5).status() == item_status::closed);
  CHECK_FALSE(pool.remove(1));
  CHECK_FALSE(pool.send(add(1, 1)));
  int answers = 0;
  for (auto& r : pool.send_and_receive(std::vector{add(1, 1), add(2, 1), add(3, 1)})) {
    CHECK(r.status() == item_status::closed);
    ++answers;
  }
  CHECK(answers == 3);
  CHECK(pool.thread_count() == 2);
}

TEST_CASE("value throws why there is none") {
  item_pool<counter> pool(1);
  CHECK_ERROR(errc::not_found, pool.send_and_receive_once(total(1)).value());
  pool.init(1, 0).value();
  CHECK_ERROR(errc::already_exists, pool.init(1, 0).value());
  (void)pool.shutdown();
  CHECK_ERROR(errc::closed, pool.init(1, 0).value());
}

TEST_CASE("a pool without threads is refused, and so is a route that leads nowhere") {
  CHECK_ERROR(errc::invalid_option, item_pool<counter>(0));
  constexpr auto astray = [](millrace::item_id, std::size_t threads) { return threads; };
  item_pool<counter, decltype(astray)> pool(2, astray);
  CHECK_THROWS_AS(pool.init(1, 0).value(), std::out_of_range);
  CHECK_THROWS_AS((void)pool.send_and_receive(std::vector{add(1, 1)}), std::out_of_range);
}

TEST_CASE("those who send while a pool is shut down all get answers") {
  test::allow(60);
  for (int round = 0; round < 50; ++round) {
    item_pool<counter> pool(2);
    for (millrace::item_id id = 0; id < 10; ++id) {
      CHECK(pool.init(id, 0).ok());
    }
    std::vector<std::jthread> senders;
    for (int s = 0; s < 2; ++s) {
      senders.emplace_back([&pool] {
        for (bool open = true; open;) {
          std::vector<add> requests;
          for (millrace::item_id id = 0; id < 10; ++id) {
            requests.emplace_back(id, 1);
          }
          int answers = 0;
          for (auto& r : pool.send_and_receive(requests)) {
            open = open && r.ok();
            REQUIRE((r.ok() || r.status() == item_status::closed));
            ++answers;
          }
          REQUIRE(answers == 10);
          (void)pool.send(add(0, 1));
          open = pool.send_and_receive_once(add(1, 1)).ok() && open;
        }
      });
    }
    CHECK(pool.send_and_receive_once(add(1, 1)).ok());
    CHECK(pool.shutdown().size() == 10);
  }
}
