// The codec: every kind of value comes back as it went; bytes that are no value are refused.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/protocol.hpp>
#include <millrace/service/codec.hpp>
#include <millrace/service/fingerprint.hpp>

namespace {

enum class colour : std::uint8_t {
  red,
  green
};

struct point {
  int x;
  double y;
  bool operator==(const point&) const = default;
};

/// Not an aggregate.
class account {
 public:
  account() = default;
  account(std::string owner, long cents) : owner_(std::move(owner)), cents_(cents) {}
  bool operator==(const account&) const = default;
  friend auto fields(account& a) { return std::tie(a.owner_, a.cents_); }

 private:
  std::string owner_;
  long cents_ = 0;
};

struct everything {
  bool flag;
  char letter;
  std::uint64_t large;
  double fraction;
  colour shade;
  std::string text;
  std::vector<int> numbers;
  std::vector<std::string> words;
  std::optional<point> where;
  std::tuple<std::pair<int, bool>, std::array<std::int16_t, 3>> mixture;
  std::chrono::nanoseconds time;
  std::vector<account> accounts;
  bool operator==(const everything&) const = default;
};

struct nothing {
  bool operator==(const nothing&) const = default;
};

everything example() {
  return {true,
          'x',
          std::numeric_limits<std::uint64_t>::max(),
          -0.5,
          colour::green,
          "text",
          {1, -2, 3},
          {"", "word"},
          point{-7, 2.5},
          {{5, true}, {-1, 0, 1}},
          std::chrono::nanoseconds(17),
          {{"Ada", 100}, {"Bob", -1}}};
}

template <class T>
std::vector<std::byte> encoded(T value) {
  std::vector<std::byte> bytes(millrace::encoded_size(value));
  millrace::encode(value, bytes.data());
  return bytes;
}
template <class T>
bool comes_back(const T& value) {
  T back{};
  return millrace::decode(encoded(value), back) && back == value;
}

TEST_CASE("codec: every kind of value comes back as it went") {
  CHECK(comes_back(example()));
  CHECK(comes_back(std::vector<std::optional<std::string>>{"a", std::nullopt, ""}));
  CHECK(comes_back(std::string(100'000, 'x')));
  CHECK(comes_back(nothing{}));
  CHECK(comes_back(std::vector<bool*>{}.size()));
}

TEST_CASE("codec: values take their bytes and no more, lengths four") {
  CHECK(encoded(point{}).size() == 12);
  CHECK(encoded(nothing{}).empty());
  CHECK(encoded(std::string("abc")).size() == 7);
  CHECK(encoded(std::vector<std::uint16_t>{1, 2}).size() == 8);
  CHECK(encoded(std::optional<int>{}).size() == 1);
  CHECK(encoded(std::optional<int>{1}).size() == 5);
}

TEST_CASE("codec: bytes cut off anywhere, or with one too many, are refused") {
  auto bytes = encoded(example());
  everything back;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CHECK_FALSE(millrace::decode(std::span(bytes).first(n), back));
  }
  CHECK(millrace::decode(bytes, back));
  bytes.push_back(std::byte{0});
  CHECK_FALSE(millrace::decode(bytes, back));
}

TEST_CASE("codec: a bool is 0 or 1") {
  bool back = false;
  const std::array two{std::byte{2}};
  CHECK_FALSE(millrace::decode(two, back));
  std::optional<int> number;
  const std::array neither{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
  CHECK_FALSE(millrace::decode(neither, number));
}

TEST_CASE("codec: a length of more than is there is refused before it is used") {
  const auto claims = [](std::uint32_t length) {
    auto bytes = encoded(length);
    bytes.resize(bytes.size() + 16);
    return bytes;
  };
  std::vector<std::uint64_t> numbers;
  CHECK_FALSE(millrace::decode(claims(3), numbers));
  CHECK(numbers.capacity() == 0);
  CHECK(millrace::decode(claims(2), numbers));
  CHECK_FALSE(millrace::decode(claims(0xFFFF'FFFF), numbers));
  std::vector<std::string> words;
  CHECK_FALSE(millrace::decode(claims(0xFFFF'FFFF), words));
  CHECK(words.capacity() == 0);
  CHECK(millrace::decode(claims(4), words));
  CHECK_FALSE(millrace::decode(claims(5), words));
}

TEST_CASE("codec: bytes at random are refused, or a value that comes back") {
  std::mt19937_64 random(1);
  const auto good = encoded(example());
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto bytes = good;
    if (i % 2 == 0) {
      bytes.resize(random() % 200);
      for (auto& b : bytes) {
        b = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
      }
    } else {
      for (auto n = random() % 4 + 1; n != 0; --n) {
        bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      }
    }
    everything back;
    if (millrace::decode(bytes, back)) {
      ++accepted;
      CHECK(encoded(back) == bytes);
    }
  }
  CHECK(accepted > 1000);
}

struct add {
  int a;
  int b;
  using returns = millrace::returns<int>;
};
struct note {
  std::string text;
  using returns = millrace::fire_and_forget;
};
struct reset {
  using returns = millrace::returns<>;
};
namespace other {
struct add {
  int a;
  long b;
  using returns = millrace::returns<int>;
};
}  // namespace other

TEST_CASE("fingerprint: a protocol is described by the names and shapes of its commands") {
  CHECK(millrace::describe<millrace::protocol<add, note, reset>>() ==
        "add{i32,i32}->i32; note{string}; reset{}->nothing");
  CHECK(millrace::describe<millrace::protocol<other::add>>() == "add{i32,i64}->i32");
  CHECK(millrace::detail::shape_of<everything>() ==
        "everything{bool,i8,u64,f64,colour:u8,string,[i32],[string],point{i32,f64}?,"
        "((i32,bool),[i16]*3),duration#64,[account{string,i64}]}");
}

TEST_CASE("fingerprint: it differs where the protocol does") {
  using millrace::describe;
  using millrace::fingerprint;
  using millrace::protocol;
  const auto same = fingerprint(describe<protocol<add, note>>());
  CHECK(fingerprint(describe<protocol<add, note>>()) == same);
  CHECK(fingerprint(describe<protocol<note, add>>()) != same);
  CHECK(fingerprint(describe<protocol<other::add, note>>()) != same);
  CHECK(fingerprint(describe<protocol<add>>()) != same);
}

}  // namespace
