// A queue under the conformance suite: a connected pair of its ends. A kind of queue is known by a
// factory F, which has:
//   F::sink_type, F::source_type     model message_sink, message_source
//   F::variant, with a member name   one way to set it up
//   F::variants()                    all of them
//   F(const variant&)                makes a fresh, empty connected pair
//   sink(), source()                 its ends
//   largest()                        bytes of the longest message it takes
//   room()                           short messages that it is sure to hold at once
//   F::bounded                       whether its sink says full some day
//   F::in_place                      whether a message takes its room for as long as it is on loan
//   edges()                          sizes near which it may change how it stores a message
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/queue/queue.hpp>

#include "support/bytes.hpp"
#include "support/printing.hpp"

namespace conformance {

using millrace::status;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

template <class F>
using loan_of =
    std::remove_cvref_t<decltype(*std::declval<typename F::source_type&>().try_dequeue())>;

/// Runs `body` on a fresh pair of every variant that has room for so many messages at once.
template <class F, std::size_t Room = 1, class Body>
void on_every_variant(Body body) {
  for (const auto& variant : F::variants()) {
    INFO("variant: ", variant.name);
    F pair(variant);
    if (pair.room() >= Room) {
      body(pair);
    }
  }
}

/// Enqueues numbered messages of `size` bytes until full or, where there is no end, many; how many
/// went in.
template <class F>
std::uint32_t fill(F& pair, std::size_t size = 4, std::uint32_t first = 0) {
  constexpr std::uint32_t many = 500;
  std::uint32_t count = 0;
  status s = status::ok;
  while ((F::bounded || count < many) &&
         (s = pair.sink().try_enqueue(test::numbered(first + count, size))) == status::ok) {
    ++count;
  }
  REQUIRE(s == (F::bounded ? status::full : status::ok));
  return count;
}

/// Dequeues until empty and checks the numbers and sizes.
template <class F>
void drain(F& pair, std::uint32_t count, std::size_t size = 4, std::uint32_t first = 0) {
  for (std::uint32_t i = 0; i < count; ++i) {
    auto m = pair.source().try_dequeue();
    REQUIRE(m);
    REQUIRE(m->bytes().size() == size);
    REQUIRE(test::same(m->bytes(), test::numbered(first + i, size)));
    REQUIRE_FALSE(m->redelivered());
  }
  REQUIRE_FALSE(pair.source().try_dequeue());
  REQUIRE(pair.source().last_status() == status::empty);
}

template <class F>
std::vector<std::size_t> sizes(F& pair) {
  std::set<std::size_t> all{0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17};
  for (const std::size_t edge : pair.edges()) {
    all.insert({edge - 1, edge, edge + 1});
  }
  all.insert({pair.largest() - 1, pair.largest()});
  std::erase_if(all, [&](std::size_t size) { return size > pair.largest(); });
  return {all.begin(), all.end()};
}

}  // namespace conformance
