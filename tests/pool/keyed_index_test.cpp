// The index by which a pool finds its workers.
#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include <millrace/pool/detail/keyed_index.hpp>

namespace {

using millrace::detail::indexed;
using millrace::detail::keyed_index;

template <class Key>
struct entry : indexed<entry<Key>> {
  explicit entry(Key k) : key(k) {}
  const Key key;
};

struct only_ordered {
  int number;
  bool operator<(const only_ordered& other) const { return number < other.number; }
};

struct all_collide {
  int number;
  bool operator==(const all_collide&) const = default;
};

}  // namespace

template <>
struct std::hash<all_collide> {
  std::size_t operator()(const all_collide&) const noexcept { return 7; }
};

TEST_CASE_TEMPLATE("an index finds what was inserted and not erased, whatever the keys", Key, int,
                   only_ordered, all_collide) {
  constexpr int keys = 300;
  std::deque<entry<Key>> entries;
  keyed_index<Key, entry<Key>> index;
  std::map<int, entry<Key>*> expected;
  unsigned dice = 1;
  CHECK(index.any() == nullptr);
  for (int i = 0; i < 5000; ++i) {
    dice = dice * 1664525 + 1013904223;
    // Multiples of 64, which fewer buckets would share were they counted in powers of two.
    const int key = static_cast<int>(dice >> 16) % keys * 64;
    if (const auto at = expected.find(key); at != expected.end() && dice % 3 == 0) {
      index.erase(*at->second);
      expected.erase(at);
    } else {
      auto& e = entries.emplace_back(Key{key});
      CHECK(index.insert(e) == (at == expected.end()));
      expected.try_emplace(key, &e);
    }
    REQUIRE(index.size() == expected.size());
    const auto at = expected.find(key);
    REQUIRE(index.find(Key{key}) == (at == expected.end() ? nullptr : at->second));
  }
  for (int key = 0; key < keys; ++key) {
    const auto at = expected.find(key * 64);
    CHECK(index.find(Key{key * 64}) == (at == expected.end() ? nullptr : at->second));
  }
  for (std::size_t left = index.size(); left > 0; --left) {
    auto* const e = index.any();
    REQUIRE(e != nullptr);
    index.erase(*e);
    REQUIRE(index.size() == left - 1);
  }
  CHECK(index.any() == nullptr);
}

TEST_CASE("what any finds is found after others were inserted before it") {
  keyed_index<int, entry<int>> index;
  entry<int> low(1);
  entry<int> high(12);
  REQUIRE(index.insert(high));
  CHECK(index.any() == &high);
  REQUIRE(index.insert(low));
  index.erase(high);
  CHECK(index.any() == &low);
}
