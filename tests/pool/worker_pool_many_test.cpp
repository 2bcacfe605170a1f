// A hundred thousand workers at once, again and again, in memory that does not grow.
#include <algorithm>
#include <atomic>
#include <cstdint>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

#include "support/child.hpp"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int workers = 10'000;
constexpr int rounds = 3;
constexpr bool limited = false;  // sanitizers want the memory for themselves
#else
constexpr int workers = 100'000;
constexpr int rounds = 20;
constexpr bool limited = true;
#endif
constexpr std::uint64_t each = 3;
constexpr std::size_t limit = std::size_t{128} << 20;
constexpr std::size_t for_all = 64'000'000;

}  // namespace

TEST_CASE("a hundred thousand workers get three messages each, over and over, in the same memory") {
  if (limited) {
    REQUIRE(::mallopt(M_ARENA_MAX, 1) == 1);  // others reserve more addresses than they use
    const rlimit hard{limit, limit};
    REQUIRE(::setrlimit(RLIMIT_AS, &hard) == 0);
  }
  boost::asio::thread_pool threads(2);
  const millrace::scheduler on_threads = millrace::asio_executor(threads.get_executor());
  const std::size_t before = test::resident_memory();
  std::size_t most = 0;
  std::size_t after_two = 0;
  for (int round = 1; round <= rounds; ++round) {
    std::atomic<std::uint64_t> sum = 0;
    std::atomic<int> ended = 0;
    int failed = 0;
    {
      millrace::worker_pool<int, std::uint64_t> pool(
          on_threads, [&](const int&, const auto& box, std::stop_token) -> millrace::task<> {
            while (const auto m = co_await box.receive()) {
              sum += *m;
            }
            ++ended;
          });
      for (int k = 0; k < workers; ++k) {
        failed += pool.initialize(k) ? 0 : 1;
      }
      CHECK(pool.size() == workers);
      for (std::uint64_t m = 1; m <= each; ++m) {
        for (int k = 0; k < workers; ++k) {
          failed += pool.dispatch(k, m) ? 0 : 1;
        }
      }
      most = std::max(most, test::resident_memory() - before);
    }
    CHECK(failed == 0);
    CHECK(ended == workers);
    CHECK(sum == workers * (each * (each + 1) / 2));
    if (round == 2) {
      after_two = test::resident_memory();
    }
    MESSAGE("round " << round << ": " << test::resident_memory() / 1024 << " KiB");
  }
  MESSAGE("all of them together: " << most / 1024 << " KiB");
  if (limited) {
    CHECK(most <= for_all);
    CHECK(test::resident_memory() < after_two + after_two / 4);
  }
}
