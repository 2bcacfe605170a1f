// The calls that do not wait allocate nothing. An executable of its own, since it replaces
// operator new.
#include <cstdlib>
#include <new>
#include <span>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/every_role.hpp"
#include "support/printing.hpp"

namespace {

bool counting = false;
long allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  allocations += counting ? 1 : 0;
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, 1);
}
void* operator new[](std::size_t size) {
  return allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

using millrace::publisher;
using millrace::status;
using millrace::subscriber;

namespace {

/// What `action` allocates.
template <class Action>
long allocated_by(Action&& action) {
  allocations = 0;
  counting = true;
  action();
  counting = false;
  return allocations;
}

}  // namespace

TEST_CASE("the counter counts") {
  CHECK(allocated_by([] { delete new int(1); }) >= 1);
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
