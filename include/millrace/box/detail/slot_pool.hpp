// Stores of slots that are not in use, so that the steady path allocates nothing: two batches for
// each thread, which it touches alone, and a depot that all threads share.
//
// Where one thread takes slots and another gives them back, batches go round by way of the depot.
// With two of its own a thread goes there once for a whole batch at most, wherever it stands. (As
// the magazines of Jeff Bonwick and Jonathan Adams, "Magazines and Vmem", 2001.)
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <utility>

namespace millrace::detail {

/// Slots in a list. Slot has a member `Slot* next_`. Of trivial type, so that a thread's are there
/// for whatever else its end destroys.
template <class Slot>
struct slot_batch {
  static constexpr unsigned full = 64;

  Slot* first;
  unsigned size;

  void push(Slot* slot) noexcept {
    slot->next_ = first;
    first = slot;
    ++size;
  }
  [[nodiscard]] Slot* pop() noexcept {
    --size;
    return std::exchange(first, first->next_);
  }
};

/// Keeps a few batches. What does not fit into these comes from the heap, and goes back there.
/// Thread-safe.
template <class Slot>
class heap_depot {
 public:
  using batch = slot_batch<Slot>;

  // Neither waits: there is the heap. (In the child of a fork the mutex may never be free again.)
  [[nodiscard]] batch take() noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    return lock && size_ != 0 ? batches_[--size_] : batch{};
  }
  void give(batch& full) noexcept {
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && size_ != batches_.size()) {
      batches_[size_++] = std::exchange(full, {});
      return;
    }
    while (full.first != nullptr) {
      give_back(full.pop());
    }
  }
  [[nodiscard]] static Slot* make() { return new Slot; }
  static void give_back(Slot* slot) noexcept { delete slot; }

 private:
  std::mutex mutex_;
  std::array<batch, 16> batches_{};
  std::size_t size_ = 0;
};

/// `Depot`: as heap_depot.
template <class Slot, class Depot = heap_depot<Slot>>
class slot_pool {
 public:
  // Neither is inlined: a coroutine may go on in another thread, and some compilers keep the
  // address of a thread's variable across that.
  [[nodiscard, gnu::noinline]] static Slot* take() {
    if (used.first == nullptr) {
      std::swap(used, spare);
    }
    if (used.first == nullptr && !ended) {
      used = depot.take();
      empty_at_the_end();
    }
    return used.first != nullptr ? used.pop() : depot.make();
  }

  [[gnu::noinline]] static void give(Slot* slot) noexcept {
    if (used.first == nullptr) {
      empty_at_the_end();
    }
    if (ended) {
      depot.give_back(slot);
      return;
    }
    if (used.size == batch::full) {
      std::swap(used, spare);
      if (used.first != nullptr) {
        depot.give(used);
      }
    }
    used.push(slot);
  }

 private:
  using batch = slot_batch<Slot>;

  static void empty(batch& b) noexcept {
    while (b.first != nullptr) {
      depot.give_back(b.pop());
    }
  }
  static void empty_at_the_end() noexcept {
    struct emptier {
      emptier() noexcept = default;
      emptier(const emptier&) = delete;
      emptier& operator=(const emptier&) = delete;
      ~emptier() {
        empty(used);
        empty(spare);
        ended = true;
      }
    };
    thread_local const emptier at_the_end;
    static_cast<void>(at_the_end);
  }

  static inline thread_local batch used{};
  static inline thread_local batch spare{};  // full, or empty
  static inline thread_local bool ended = false;
  static inline constinit Depot depot{};
};

}  // namespace millrace::detail
