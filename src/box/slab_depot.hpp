// Where a slot_pool keeps the slots that no thread has: in slabs, pieces of memory that are cut
// into slots of one size. To ask the heap for each slot and to give each back costs several times
// as much, which is felt where there are more slots than the pool would keep. A slab of which no
// slot is out goes back to the heap, but for a few.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

#include <millrace/box/detail/slot_pool.hpp>

#include "os/fork_watch.hpp"

namespace millrace::detail {

template <class Slot>
struct slab;

/// Room for so many bytes, aligned as what operator new returns.
template <std::size_t Size>
struct slab_slot {
  slab<slab_slot>* home;
  slab_slot* next_;  // in no use; else, the room begins here
  std::array<std::byte, Size - sizeof(slab_slot*)> rest;

  [[nodiscard]] void* room() noexcept { return &next_; }
  /// Ends the use of this room.
  [[nodiscard]] static slab_slot* with(void* room) noexcept {
    ::new (room) slab_slot*;
    return reinterpret_cast<slab_slot*>(static_cast<std::byte*>(room) - sizeof(slab<slab_slot>*));
  }
};

template <class Slot>
struct slab {
  static constexpr std::size_t slots = (64 * 1024 - 64) / sizeof(Slot);

  [[nodiscard]] bool any() const noexcept { return back != nullptr || cut < slots; }
  [[nodiscard]] Slot* take() noexcept {
    ++out;
    if (back != nullptr) {
      return std::exchange(back, back->next_);
    }
    all[cut].home = this;
    return &all[cut++];
  }
  void put(Slot& slot) noexcept {
    --out;
    slot.next_ = std::exchange(back, &slot);
  }

  slab* next = nullptr;  // that has any
  slab* previous = nullptr;
  Slot* back = nullptr;  // slots that were out
  std::size_t cut = 0;   // slots that are or were out
  std::size_t out = 0;
  std::array<Slot, slots> all;
};

/// Thread-safe. See heap_depot; but slots can go nowhere else, so this waits for the mutex, which
/// all depots share. A thread that holds it may lose its processor meanwhile: others would pile up
/// thousands of slots if they did not wait.
template <class Slot>
class slab_depot {
 public:
  using batch = slot_batch<Slot>;

  /// Throws std::bad_alloc.
  [[nodiscard]] batch take() {
    const std::lock_guard lock(os::fork_mutex());
    batch some{};
    do {
      some.push(take_one());
    } while (some.size < batch::full && first_ != nullptr);
    return some;
  }
  [[nodiscard]] Slot* make() {
    const std::lock_guard lock(os::fork_mutex());
    return take_one();
  }
  void give(batch& full) noexcept {
    const std::lock_guard lock(os::fork_mutex());
    while (full.first != nullptr) {
      put(*full.pop());
    }
  }
  void give_back(Slot* slot) noexcept {
    const std::lock_guard lock(os::fork_mutex());
    put(*slot);
  }

 private:
  static constexpr unsigned kept = 4;

  // The room of every slot is aligned.
  static_assert(sizeof(Slot) % alignof(std::max_align_t) == 0);
  static_assert((offsetof(slab<Slot>, all) + offsetof(Slot, next_)) % alignof(std::max_align_t) ==
                0);

  [[nodiscard]] Slot* take_one() {
    if (first_ == nullptr) {
      link(*new slab<Slot>);
      ++unused_;
    }
    slab<Slot>& from = *first_;
    unused_ -= from.out == 0 ? 1 : 0;
    Slot* const slot = from.take();
    if (!from.any()) {
      unlink(from);
    }
    return slot;
  }
  void put(Slot& slot) noexcept {
    slab<Slot>& home = *slot.home;
    if (!home.any()) {
      link(home);
    }
    home.put(slot);
    if (home.out == 0 && ++unused_ > kept) {
      --unused_;
      unlink(home);
      delete &home;
    }
  }

  void link(slab<Slot>& s) noexcept {
    s.next = first_;
    s.previous = nullptr;
    if (first_ != nullptr) {
      first_->previous = &s;
    }
    first_ = &s;
  }
  void unlink(slab<Slot>& s) noexcept {
    (s.previous != nullptr ? s.previous->next : first_) = s.next;
    if (s.next != nullptr) {
      s.next->previous = s.previous;
    }
  }

  // Under the mutex.
  slab<Slot>* first_ = nullptr;  // of those that have any slots
  unsigned unused_ = 0;          // slabs of which no slot is out
};

}  // namespace millrace::detail
