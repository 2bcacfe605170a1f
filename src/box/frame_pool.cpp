#include <millrace/box/detail/frame_pool.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include <millrace/box/detail/slot_pool.hpp>

#include "box/slab_depot.hpp"

namespace millrace::detail {

namespace {

// Where a sanitizer watches, whoever uses a frame that is gone is to be found out.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool recycles = false;
#elif defined(__has_feature)
constexpr bool recycles = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool recycles = true;
#endif

constexpr std::size_t step = 16;
constexpr std::size_t smallest = 24;  // as a slot has room for: 8 more than a multiple of 16
constexpr std::size_t sizes = 32;

struct pool {
  void* (*take)();
  void (*give)(void*) noexcept;
};

template <std::size_t Size>
struct of_size {
  using slot = slab_slot<Size>;
  using slots = slot_pool<slot, slab_depot<slot>>;
  static constexpr pool as_pool{[]() -> void* { return slots::take()->room(); },
                                [](void* frame) noexcept { slots::give(slot::with(frame)); }};
};

constexpr auto pools = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<pool, sizes>{of_size<smallest + I * step>::as_pool...};
}
(std::make_index_sequence<sizes>());

[[nodiscard]] constexpr std::size_t pool_for(std::size_t size) noexcept {
  return size <= smallest ? 0 : (size - smallest + step - 1) / step;
}

}  // namespace

void* take_frame(std::size_t size) {
  const std::size_t i = pool_for(size);
  return recycles && i < sizes ? pools[i].take() : ::operator new(size);
}
void give_frame(void* frame, std::size_t size) noexcept {
  const std::size_t i = pool_for(size);
  if (recycles && i < sizes) {
    pools[i].give(frame);
  } else {
    ::operator delete(frame);
  }
}

}  // namespace millrace::detail
