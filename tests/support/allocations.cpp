#include "support/allocations.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> counting = false;
std::atomic<long> allocations = 0;
std::atomic<long> frees = 0;
thread_local int allocations_until_refused = -1;  // none is

void count(std::atomic<long>& what) {
  if (counting.load(std::memory_order_relaxed)) {
    what.fetch_add(1, std::memory_order_relaxed);
  }
}

void release(void* memory) {
  if (memory != nullptr) {
    count(frees);
  }
  std::free(memory);
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (allocations_until_refused >= 0 && allocations_until_refused-- == 0) {
    throw std::bad_alloc();
  }
  count(allocations);
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
  release(memory);
}
void operator delete[](void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}

void test::count_allocations(bool on) {
  if (on) {
    allocations = 0;
    frees = 0;
  }
  counting = on;
}

void test::refuse_an_allocation(int after) {
  allocations_until_refused = after;
}

long test::allocations_counted() {
  return allocations;
}

long test::frees_counted() {
  return frees;
}
