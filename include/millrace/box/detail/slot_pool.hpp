// Stores of slots that are not in use, so that the steady path allocates nothing: two batches for
// each thread, which it touches alone, and a few that all threads share.
//
// Where one thread takes slots and another gives them back, batches go round by way of the shared
// store. With two of its own a thread goes there once for a whole batch at most, wherever it
// stands. (As the magazines of Jeff Bonwick and Jonathan Adams, "Magazines and Vmem", 2001.)
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <utility>

namespace millrace::detail {

/// What does not fit into these comes from the heap, and goes back there. Slot has a member
/// `Slot* next_`.
template <class Slot>
class slot_pool {
 public:
  // Neither is inlined: a coroutine may go on in another thread, and some compilers keep the
  // address of a thread's variable across that.
  [[nodiscard, gnu::noinline]] static Slot* take() {
    if (used.first == nullptr) {
      std::swap(used, spare);
    }
    if (used.first == nullptr && !ended) {
      used = shared.take();
      empty_at_the_end();
    }
    return used.first != nullptr ? used.pop() : new Slot;
  }

  [[gnu::noinline]] static void give(Slot* slot) noexcept {
    if (used.first == nullptr) {
      empty_at_the_end();
    }
    if (ended) {
      delete slot;
      return;
    }
    if (used.size == batch_size) {
      std::swap(used, spare);
      if (used.first != nullptr) {
        shared.give(used);
        used = {};
      }
    }
    used.push(slot);
  }

 private:
  static constexpr unsigned batch_size = 64;

  /// Of trivial type, so that a thread's are there for whatever else its end destroys.
  struct batch {
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
    void empty() noexcept {
      while (first != nullptr) {
        delete pop();
      }
    }
  };

  class shared_store {
   public:
    // Neither waits: there is the heap. (In the child of a fork the mutex may never be free again.)
    [[nodiscard]] batch take() noexcept {
      const std::unique_lock lock(mutex_, std::try_to_lock);
      return lock && size_ != 0 ? batches_[--size_] : batch{};
    }
    void give(batch full) noexcept {
      if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && size_ != batches_.size()) {
        batches_[size_++] = full;
        return;
      }
      full.empty();
    }

   private:
    std::mutex mutex_;
    std::array<batch, 16> batches_{};
    std::size_t size_ = 0;
  };

  static void empty_at_the_end() noexcept {
    struct emptier {
      emptier() noexcept = default;
      emptier(const emptier&) = delete;
      emptier& operator=(const emptier&) = delete;
      ~emptier() {
        used.empty();
        spare.empty();
        ended = true;
      }
    };
    thread_local const emptier at_the_end;
    static_cast<void>(at_the_end);
  }

  static inline thread_local batch used{};
  static inline thread_local batch spare{};  // full, or empty
  static inline thread_local bool ended = false;
  static inline constinit shared_store shared{};
};

}  // namespace millrace::detail
