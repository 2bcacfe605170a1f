#include <algorithm>
#include <thread>
#include <unordered_set>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/fresh.hpp>

namespace {

using ticket = millrace::fresh<struct ticket_tag>;
static_assert(!std::is_convertible_v<ticket, millrace::fresh<struct other_tag>>);

TEST_CASE("fresh: numbers rise within a thread, and none is nobody's") {
  ticket last;
  for (int i = 0; i < 10'000; ++i) {
    const ticket next = ticket::next();
    REQUIRE(next > last);
    last = next;
  }
}

TEST_CASE("fresh: no number is given twice, whichever thread asks, and after threads have ended") {
  constexpr int threads = 8;
  constexpr int each = 20'000;
  std::vector<std::vector<ticket>> taken(threads);
  for (int generation = 0; generation < 2; ++generation) {
    std::vector<std::jthread> takers;
    for (auto& mine : taken) {
      takers.emplace_back([&mine] {
        std::generate_n(std::back_inserter(mine), each, [] { return ticket::next(); });
      });
    }
  }
  std::unordered_set<ticket> all;
  for (const auto& mine : taken) {
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == 2 * threads * each);
}

}  // namespace
