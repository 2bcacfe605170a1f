// A thread's store of slots that are not in use, so that the steady path allocates nothing.
#pragma once

namespace millrace::detail {

/// A slot is taken by one thread and may be given back by another one. Where calls are made in one
/// thread and ended in another, the store of the latter would grow for ever; so there is an end to
/// it, and what is beyond goes back to the heap. Slot has a member `Slot* next_`.
template <class Slot>
class slot_pool {
 public:
  // Neither is inlined: a coroutine may go on in another thread, and some compilers keep the
  // address of a thread's variable across that.
  [[nodiscard, gnu::noinline]] static Slot* take() {
    Slot* const slot = first;
    if (slot == nullptr) {
      return new Slot;
    }
    first = slot->next_;
    ++room;
    return slot;
  }

  [[gnu::noinline]] static void give(Slot* slot) noexcept {
    if (first == nullptr) {
      thread_local const emptier at_the_end;
      static_cast<void>(at_the_end);
    }
    if (room == 0) {
      delete slot;
      return;
    }
    --room;
    slot->next_ = first;
    first = slot;
  }

 private:
  static constexpr unsigned most = 1024;

  struct emptier {
    emptier() noexcept = default;
    emptier(const emptier&) = delete;
    emptier& operator=(const emptier&) = delete;
    ~emptier() {
      while (first != nullptr) {
        delete take();
      }
      room = 0;  // from now on the thread ends: nothing is kept
    }
  };

  // Of trivial types, so that they are there for whatever else the end of a thread destroys.
  static inline thread_local Slot* first = nullptr;
  static inline thread_local unsigned room = most;
};

}  // namespace millrace::detail
