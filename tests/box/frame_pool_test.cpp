// Memory for the frames of coroutines, by itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/detail/frame_pool.hpp>

#include "support/allocations.hpp"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool frames_are_kept = false;  // so that sanitizers see who uses one that is gone
#else
constexpr bool frames_are_kept = true;
#endif

/// A frame, filled with its number.
class frame {
 public:
  frame(std::size_t size, unsigned number)
      : bytes_(static_cast<unsigned char*>(millrace::detail::take_frame(size)), size),
        filled_with_(static_cast<unsigned char>(number)) {
    std::ranges::fill(bytes_, filled_with_);
  }
  frame(frame&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), filled_with_(other.filled_with_) {}
  frame& operator=(frame&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(filled_with_, other.filled_with_);
    return *this;
  }
  ~frame() {
    if (!bytes_.empty()) {
      millrace::detail::give_frame(bytes_.data(), bytes_.size());
    }
  }
  [[nodiscard]] bool is_whole() const {
    return std::ranges::all_of(bytes_, [this](auto b) { return b == filled_with_; });
  }
  [[nodiscard]] bool is_aligned() const {
    return reinterpret_cast<std::uintptr_t>(bytes_.data()) % alignof(std::max_align_t) == 0;
  }

 private:
  std::span<unsigned char> bytes_;
  unsigned char filled_with_;
};

/// By one thread taken, and given back by another.
void live(unsigned count) {
  std::vector<frame> frames;
  for (unsigned i = 0; i < count; ++i) {
    frames.emplace_back(392, i);
  }
  std::thread([&] { frames.clear(); }).join();
}

}  // namespace

TEST_CASE("frames of all sizes are aligned, and nobody else writes into them") {
  std::vector<frame> frames;
  unsigned dice = 1;
  for (unsigned i = 0; i < 20'000; ++i) {
    dice = dice * 1664525 + 1013904223;
    if (const auto some = (dice >> 8) % 2000; some < frames.size()) {
      REQUIRE(frames[some].is_whole());
      std::swap(frames[some], frames.back());
      frames.pop_back();
    }
    REQUIRE(frames.emplace_back(1 + (dice >> 16) % 600, i).is_aligned());
  }
  CHECK(std::ranges::all_of(frames, &frame::is_whole));
}

TEST_CASE("frames are made many at once, and go back to the heap, whichever thread they come by") {
  constexpr unsigned count = 50'000;
  live(1);
  CHECK(test::allocated_and_not_freed_by([] { live(count); }) <= 8);
  CHECK((test::allocations_counted() < count / 100) == frames_are_kept);
  CHECK(test::allocated_and_not_freed_by([] {
          for (int i = 0; i < 30; ++i) {
            live(1'000);
          }
        }) <= 8);
}

TEST_CASE("where there is no memory for frames, that is said, and later there is") {
  bool refused = false;
  std::thread([&] {
    test::refuse_an_allocation();
    try {
      const frame first(504, 1);  // of its size
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    CHECK(frame(504, 2).is_aligned());
  }).join();
  CHECK(refused);
}
