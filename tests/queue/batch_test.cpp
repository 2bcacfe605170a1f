// Batches: all of their messages or none.
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/every_role.hpp"
#include "support/printing.hpp"

using millrace::publisher;
using millrace::status;
using millrace::subscriber;

namespace {

using batch = std::vector<std::span<const std::byte>>;

batch views(const std::vector<test::bytes>& messages) {
  return {messages.begin(), messages.end()};
}

std::vector<test::bytes> of_sizes(std::initializer_list<std::size_t> sizes) {
  std::vector<test::bytes> result;
  for (const std::size_t size : sizes) {
    result.push_back(test::pattern(size, result.size()));
  }
  return result;
}

void expect_all(subscriber& s, const std::vector<test::bytes>& messages) {
  for (const auto& expected : messages) {
    auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), expected));
    CHECK_FALSE(m->redelivered());
  }
  CHECK_FALSE(s.try_dequeue());
}

}  // namespace

TEST_CASE("a batch arrives in order, whatever the sizes of its messages") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    for (const auto& messages :
         {of_sizes({1}), of_sizes({0}), of_sizes({0, 0, 0}),
          of_sizes({1, 48, 112, 113, 128, 129, 0, 500}), of_sizes({500, 1}), of_sizes({1, 500}),
          of_sizes({2048}), of_sizes({1984, 64}), of_sizes({64, 1984})}) {
      REQUIRE(p.try_enqueue_batch(views(messages)) == status::ok);
      expect_all(s, messages);
    }
  });
}

TEST_CASE("an empty batch is ok and is nothing") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    CHECK(p.try_enqueue_batch({}) == status::ok);
    CHECK(p.last_status() == status::ok);
    CHECK_FALSE(s.try_dequeue());
  });
}

TEST_CASE("a batch that takes more than half of the slots is too large") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    const std::vector<test::bytes> half(32, test::bytes(1));
    const std::vector<test::bytes> more(33, test::bytes(1));
    CHECK(p.try_enqueue_batch(views(more)) == status::too_large);
    CHECK(p.last_status() == status::too_large);
    CHECK(p.try_enqueue_batch(views(of_sizes({2048, 1}))) == status::too_large);
    CHECK(p.try_enqueue_batch(views(of_sizes({1, 2049}))) == status::too_large);
    CHECK_FALSE(s.try_dequeue());
    CHECK(p.try_enqueue_batch(views(half)) == status::ok);
    expect_all(s, half);
  });
}

TEST_CASE("a batch for which there is no room leaves nothing of itself") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    const auto messages = of_sizes({10, 10, 10});
    std::uint32_t sent = 0;
    for (; sent < 62; ++sent) {
      REQUIRE(p.try_enqueue(test::numbered(sent)) == status::ok);
    }
    CHECK(p.try_enqueue_batch(views(messages)) == status::full);
    CHECK(p.last_status() == status::full);
    for (std::uint32_t i = 0; i < sent; ++i) {
      auto m = s.try_dequeue();
      REQUIRE(m);
      CHECK(test::number_of(m->bytes()) == i);
    }
    CHECK_FALSE(s.try_dequeue());
    REQUIRE(p.try_enqueue_batch(views(messages)) == status::ok);
    expect_all(s, messages);
  });
}

TEST_CASE("batches go around the ring at every place") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    for (std::size_t round = 0; round < 300; ++round) {
      std::vector<test::bytes> messages;
      for (std::size_t i = 0; i < 1 + round % 9; ++i) {
        messages.push_back(test::pattern((round * 31 + i * 57) % 190, round + i));
      }
      REQUIRE(p.try_enqueue_batch(views(messages)) == status::ok);
      REQUIRE(p.try_enqueue("between") == status::ok);
      for (const auto& expected : messages) {
        auto m = s.try_dequeue();
        REQUIRE(m);
        REQUIRE(test::same(m->bytes(), expected));
      }
      auto m = s.try_dequeue();
      REQUIRE(m);
      REQUIRE(m->text() == "between");
    }
    CHECK_FALSE(s.try_dequeue());
  });
}
