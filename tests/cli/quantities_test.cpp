// Sizes and durations as people write them.
#include <chrono>

#include <doctest/doctest.h>

#include "cli/quantities.hpp"

using namespace millrace::cli;
using namespace std::chrono_literals;

TEST_CASE("a size is a number of bytes, KiB, MiB or GiB") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("64K") == 65536);
  CHECK(parse_size("16MiB") == 16777216);
  CHECK(parse_size("16M") == 16777216);
  CHECK(parse_size("1GiB") == 1073741824);
  CHECK(parse_size("3G") == 3221225472);
  CHECK(parse_size("17179869183GiB") == 18446744072635809792ULL);
}

TEST_CASE("anything else is no size") {
  for (const char* text : {"", " ", "K", "KiB", "-1", "+1", "1.5M", "12Q", "1 KiB", "1kib", "1KB",
                           "1KiBx", "0x10", "17179869184GiB", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("a duration has a unit, or counts seconds") {
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration("5") == 5s);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("0.5s") == 500ms);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("100us") == 100us);
  CHECK(parse_duration("7ns") == 7ns);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1.5h") == 90min);
}

TEST_CASE("anything else is no duration") {
  for (const char* text :
       {"", "s", "-1s", "5 s", "5sec", "soon", "nan", "inf", "1e9", "99999999h", "1e400"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("numbers are written in groups of three") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(123456) == "123,456");
  CHECK(with_commas(1234567) == "1,234,567");
}

TEST_CASE("sizes are written in the largest unit that fits") {
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(1024) == "1 KiB");
  CHECK(size_text(1536) == "1.5 KiB");
  CHECK(size_text(16 << 20) == "16 MiB");
  CHECK(size_text(5ULL << 40) == "5120 GiB");
}

TEST_CASE("times are written in UTC, to the millisecond") {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  const system_clock::time_point start;
  CHECK(time_text(start) == "1970-01-01T00:00:00.000Z");
  CHECK(time_text(start + milliseconds(1706745599007)) == "2024-01-31T23:59:59.007Z");
}
