// The calls that do not wait allocate nothing. An executable of its own, since
// support/allocations.cpp replaces operator new.
#include <span>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/every_role.hpp"
#include "support/printing.hpp"

using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using test::allocated_by;

TEST_CASE("the counter counts") {
  CHECK(allocated_by([] { ::operator delete(::operator new(1)); }) >= 1);
}

TEST_CASE("calls that do not wait allocate nothing") {
  test::for_every_role(64 * 64, 64, [](publisher& p, subscriber& s) {
    test::bytes buffer(4096);
    const std::span<const std::byte> bytes = buffer;
    const std::span<const std::byte> batch[] = {bytes.first(1), bytes.first(200), bytes.first(48)};
    std::size_t size = 0;
    bool good = true;
    for (int round = 0; round < 20; ++round) {
      CHECK(allocated_by([&] {
              for (const std::size_t length :
                   {0u, 1u, 48u, 49u, 64u, 65u, 112u, 113u, 1000u, 2048u}) {
                good &= p.try_enqueue(bytes.first(length)) == status::ok;
                good &= s.try_dequeue().has_value();
              }
            }) == 0);
      CHECK(allocated_by([&] {
              good &= p.try_enqueue_batch(batch) == status::ok;
              good &= s.try_dequeue(buffer, size) == status::ok;
              auto m = s.try_dequeue();
              good &= m.has_value();
              m->requeue();
            }) == 0);
      CHECK(allocated_by([&] {
              while (s.try_dequeue()) {
              }
              good &= s.last_status() == status::empty;
            }) == 0);
      CHECK(allocated_by([&] {
              { good &= p.try_reserve(700).has_value(); }
              auto room = p.try_reserve(500);
              good &= room.has_value() && room->commit(20) == status::ok;
              while (p.try_enqueue(bytes.first(4)) == status::ok) {
              }
              good &= !p.try_reserve(100) && p.last_status() == status::full;
              good &= p.try_enqueue_batch(batch) == status::full;
              good &= p.try_enqueue(bytes.first(3000)) == status::too_large;
              while (s.try_dequeue()) {
              }
            }) == 0);
    }
    CHECK(good);
  });
}
