// What workers allocate, and what is left where there is no memory for one.
#include <cstdint>
#include <optional>

#include <doctest/doctest.h>

#include <millrace/pool/worker_pool.hpp>

#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "support/allocations.hpp"

using millrace::task;
using millrace::worker_pool;
using test::lines;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool frames_are_kept = false;  // so that sanitizers see who uses one that is gone
#else
constexpr bool frames_are_kept = true;  // many are made at once, and kept for the next coroutine
#endif

struct summing_pool {
  test::run_loop loop;
  test::reports reports;
  std::uint64_t sum = 0;
  worker_pool<int, std::uint64_t> workers{
      loop.executor(),
      [this](const int&, const auto& box, std::stop_token) -> task<> {
        while (const auto m = co_await box.receive()) {
          sum += *m;
        }
      },
      {},
      reports.hook()};

  ~summing_pool() {
    for (int key = 0; key < 10; ++key) {
      workers.remove(key);
    }
    loop.run();
  }
};

}  // namespace

TEST_CASE("a worker is its coroutine, the callback's, and its stop: nothing else") {
  summing_pool pool;
  REQUIRE(pool.workers.initialize(0));  // and the loop has its job
  CHECK(test::allocated_by([&] { pool.workers.initialize(1); }) == (frames_are_kept ? 1 : 3));
  CHECK(test::allocated_by([&] {
          for (std::uint64_t m = 1; m <= 3; ++m) {
            pool.workers.dispatch(1, m);
          }
        }) == 0);
  pool.loop.run();
  CHECK(pool.sum == 6);
  CHECK(test::allocated_and_not_freed_by([&] {
          pool.workers.remove(1);
          pool.loop.run();
        }) == (frames_are_kept ? -1 : -3));
  pool.workers.dispatch(0, 1);  // and again the loop has its job
  CHECK(test::allocated_by([&] { pool.workers.initialize(1); }) == (frames_are_kept ? 1 : 3));
}

TEST_CASE("a worker for which there is no memory leaves nothing, and its key free") {
  summing_pool pool;
  REQUIRE(pool.workers.initialize(0));  // these have what earlier coroutines left
  REQUIRE(pool.workers.initialize(2));
  CHECK_FALSE(pool.workers.remove(1));  // so that there is a list of reports
  int refused = 0;
  for (; refused < 10; ++refused) {
    CAPTURE(refused);
    bool started = false;
    const long balance = test::allocated_and_not_freed_by([&] {
      test::refuse_an_allocation(refused);
      started = pool.workers.initialize(1, 5);
      test::refuse_an_allocation(-1);
    });
    if (started) {
      break;
    }
    CHECK(balance == 1);  // what the hook keeps
    CHECK(pool.workers.size() == 2);
    CHECK(pool.reports.all().size() == static_cast<std::size_t>(refused + 2));
    CHECK(pool.reports.all().back().starts_with("not_started 1: "));
  }
  CHECK(refused == (frames_are_kept ? 1 : 3));
  CHECK(pool.workers.dispatch(1, 6));
  pool.loop.run();
  CHECK(pool.sum == 11);
}
