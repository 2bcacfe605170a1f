// Going through the ledger.
#include "stress/verdict.hpp"

#include <array>

#include <doctest/doctest.h>

namespace stress {

tally judge(const ledger& book, std::size_t most, casualties dead) {
  // A subscriber of these tests has up to four messages in its hands, and one that it has just got.
  constexpr std::uint64_t most_in_hands = 5;
  std::uint64_t sent = 0;
  std::uint64_t duplicated = 0;
  std::array<std::uint64_t, ledger::shortest_numbered> short_begun{};
  std::array<std::uint64_t, ledger::shortest_numbered> short_sent{};
  std::uint64_t doubtful = 0;  // their subscriber was killed between two marks
  std::uint64_t lost = 0;
  for (std::uint32_t p = 0; p < book.publishers(); ++p) {
    for (std::uint32_t n = 0; n < book.next(p); ++n) {
      const entry& e = book.at(p, n);
      INFO("begun ", int{e.begun}, ", sent ", int{e.sent}, ", fresh ", int{e.fresh}, ", again ",
           int{e.again}, ", given back ", int{e.given_back}, ", finishing ", int{e.finishing},
           ", finished ", int{e.finished});
      INFO("publisher ", p, ", message ", n, ", ", size_of(p, n, most), " bytes");
      if (const auto size = size_of(p, n, most); size < ledger::shortest_numbered) {
        sent += e.sent;
        short_sent[size] += e.sent;
        short_begun[size] += e.begun != 0;
        continue;
      }
      const int delivered = e.fresh + e.again;
      duplicated += e.fresh > 1 || e.finished > 1;
      CHECK(e.fresh <= 1);
      CHECK(e.finished <= 1);  // done once
      REQUIRE(e.finished <= e.finishing);
      // More only where somebody was killed when about to be done with it.
      REQUIRE(e.finishing <= 1 + dead.subscribers);
      if (e.sent != 0) {
        ++sent;
        if (e.finished == 1) {
          REQUIRE(delivered >= 1);
        } else if (e.finishing != 0) {
          ++doubtful;
        } else {
          ++lost;
        }
      } else if (dead.publishers == 0) {
        REQUIRE(delivered == 0);
      } else if (n > 0 && book.at(p, n - 1).begun == e.begun && e.begun >= 2 &&
                 book.at(p, n - 1).sent == 0 &&
                 size_of(p, n - 1, most) >= ledger::shortest_numbered) {
        // One batch whose publisher died: all of it or nothing.
        REQUIRE((e.finishing != 0) == (book.at(p, n - 1).finishing != 0));
      }
      if (dead.subscribers == 0) {
        REQUIRE(e.again == e.given_back);
        REQUIRE(e.fresh == (delivered > 0 ? 1 : 0));
      }
    }
  }
  CHECK(sent > 0);
  CHECK(doubtful <= dead.subscribers);
  CHECK(lost <= (dead.lost_with_them ? dead.subscribers * most_in_hands : 0));
  // Those without a number, by size: a kill may come between a step and its mark.
  const std::uint64_t unmarked =
      std::uint64_t{dead.subscribers} * (dead.lost_with_them ? most_in_hands : 1);
  for (std::size_t size = 0; size < ledger::shortest_numbered; ++size) {
    CAPTURE(size);
    CHECK(book.short_finished(size) <= short_begun[size]);
    CHECK(book.short_finished(size) + unmarked >= short_sent[size]);
  }
  if (dead.publishers == 0 && dead.subscribers == 0) {
    for (std::size_t size = 0; size < ledger::shortest_numbered; ++size) {
      CAPTURE(size);
      CHECK(book.short_finished(size) == book.short_sent(size));
    }
  }
  CHECK(book.failures() == 0);
  return {sent, lost, duplicated};
}

}  // namespace stress
