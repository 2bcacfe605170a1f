// What uses a pool, tested without one.
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/pool/item_pool.hpp>
#include <millrace/pool/item_pool_mock.hpp>

#include "pool/items.hpp"

using millrace::item_pool;
using millrace::item_pool_mock;
using millrace::item_status;
using test::add;
using test::counter;
using test::total;

namespace {

/// What is to be tested: works with a pool and with what stands in for one.
template <class Pool>
std::string use(Pool& pool) {
  std::string seen = pool.init(1, 5).ok() ? "made, " : "not made, ";
  for (auto& r : pool.send_and_receive(std::vector{add(1, 1), add(1, 2)})) {
    seen += std::to_string(r.value()) + ", ";
  }
  for (auto& r : pool.send_and_receive_in_order(std::vector{total(1), total(3)})) {
    seen += std::string(to_string(r.status())) + ", ";
  }
  (void)pool.send(test::reset(1));
  seen += std::to_string(pool.send_and_receive_once(total(1)).value());
  seen += pool.remove(1) ? ", gone" : ", was gone";
  return seen + ", " + std::to_string(pool.thread_count()) + ", " +
         std::to_string(pool.shutdown().size());
}

}  // namespace

TEST_CASE("a mock that is told what a pool would do does the same") {
  item_pool<counter> pool(2);
  item_pool_mock<counter> mock(2);
  mock.answer_next<millrace::init_request<int>>();
  mock.expect(add(1, 1), 6);
  mock.expect(add(1, 2), 8);
  mock.answer_next<total>(8);
  mock.expect_failure(total(3), item_status::unknown_id);
  mock.expect(test::reset(1));
  mock.expect(total(1), 0);
  CHECK_FALSE(mock.complete());
  mock.expect(millrace::remove_request{1});
  CHECK(use(mock) == use(pool));
  CHECK(mock.complete());
}

TEST_CASE("a mock refuses what it does not expect, and remembers it") {
  const auto refused = [](auto expected, const auto& sent) {
    item_pool_mock<counter> mock;
    mock.expect(expected, 1);
    CHECK_THROWS_AS((void)mock.send_and_receive_once(sent), millrace::unexpected_request);
    CHECK_FALSE(mock.complete());
  };
  refused(add(1, 1), add(1, 2));
  refused(add(1, 1), add(2, 1));
  refused(add(1, 1), total(1));
  item_pool_mock<counter> none;
  CHECK(none.complete());
  CHECK_THROWS_AS(none.send(add(1, 1)), millrace::unexpected_request);
  CHECK_FALSE(none.complete());
}

TEST_CASE("a mock fails, throws and says last words as it is told") {
  item_pool_mock<counter> mock;
  mock.expect_failure(add(1, 0), std::make_exception_ptr(std::out_of_range("far")));
  auto r = mock.send_and_receive_once(add(1, 0));
  CHECK(r.status() == item_status::threw);
  CHECK_THROWS_AS((void)r.value(), std::out_of_range);
  mock.expect_failure(millrace::remove_request{4}, item_status::unknown_id);
  CHECK_FALSE(mock.remove(4));
  mock.expect(add(2, 2), 7);
  std::vector<millrace::any_request<counter>> mixed;
  mixed.emplace_back(add(2, 2));
  CHECK(std::get<millrace::response<&counter::add>>(mock.send_and_receive(mixed)[0]).value() == 7);
  std::vector<millrace::shutdown_response<counter>> said;
  said.emplace_back(3, std::in_place, 9);
  mock.answer_shutdown(said);
  CHECK(mock.shutdown().at(0).value() == 9);
  CHECK(mock.complete());
}
