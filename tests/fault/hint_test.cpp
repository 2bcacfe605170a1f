// Hints that lead past everything: who follows one says so instead of waiting for ever.
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/damage.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using millrace::detail::header;
using hints = millrace::detail::hints<millrace::detail::native_atomics>;

namespace {

constexpr std::size_t slots = 64;
constexpr std::size_t block = 64;

}  // namespace

TEST_CASE(
    "a hint that is laps ahead of the ring is no full queue, and no empty one, but an error") {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      for (const std::uint64_t laps : {2, 3, 1000, 1 << 30}) {
        CAPTURE(static_cast<int>(publishers));
        CAPTURE(static_cast<int>(subscribers));
        CAPTURE(laps);
        const test::scratch directory;
        auto options = directory.options(slots * block, block);
        options.publishers = publishers;
        options.subscribers = subscribers;
        REQUIRE(publisher("q", options).try_enqueue("waits") == status::ok);
        const test::mapped_bytes memory(directory.path() / "q");
        for (const std::size_t hint : {offsetof(hints, publish), offsetof(hints, subscribe)}) {
          memory.word(offsetof(header, where) + hint).fetch_add(laps * slots);
        }
        publisher p("q", options);
        subscriber s("q", options);
        CHECK_ERROR(errc::corrupted, p.try_enqueue("x"));
        CHECK_ERROR(errc::corrupted, p.try_reserve(300));
        CHECK_ERROR(errc::corrupted, s.try_dequeue());
      }
    }
  }
}
