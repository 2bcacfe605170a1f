#include <millrace/box/detail/frame_pool.hpp>

#include <array>
#include <memory>
#include <new>
#include <utility>

#include <millrace/box/detail/slot_pool.hpp>

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
constexpr std::size_t smallest = 24;  // as the heap has them: 8 more than a multiple of 16
constexpr std::size_t sizes = 32;

template <std::size_t Size>
struct slot {
  slot* next_;
  std::array<std::byte, Size - sizeof(slot*)> rest;
};

struct pool {
  void* (*take)();
  void (*give)(void*) noexcept;
};

template <std::size_t Size>
constexpr pool pool_of{
    []() -> void* { return slot_pool<slot<Size>>::take(); },
    [](void* frame) noexcept { slot_pool<slot<Size>>::give(::new (frame) slot<Size>); }};

constexpr auto pools = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<pool, sizes>{pool_of<smallest + I * step>...};
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
