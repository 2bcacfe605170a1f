// Where the reply to a call is put, and how exactly one gets there.
//
// Two sides share a slot: the caller (an async_reply, or a call that waits for one) and the replier
// (whoever has the reply_box). One word says how they stand:
//
//   pending     no reply yet, and the caller is busy with something else
//   a waiter    no reply yet, and the caller waits: the address of what is to be woken
//   settled     the outcome is there; the replier has gone
//   abandoned   the caller has gone; nobody wants the outcome
//
//                  settle
//     pending ───────────────▶ settled
//      │  ▲ │                    ▲
//      │  │ └─▶ abandoned        │ settle, and wake the waiter
//      ▼  │         ▲            │
//     a waiter ─────┴────────────┘
//
// The replier takes one step, an exchange, and never looks at the slot again unless it finds
// `abandoned`. The caller's steps to and from a waiter are compare-and-swaps, since the replier may
// be quicker; its last one, to `abandoned`, is an exchange. So whoever comes second knows that it
// is, and has the slot for itself: a caller that finds `settled`, a replier that finds `abandoned`.
//
// A waiter lies where the caller waits, and not in the slot, since the replier wakes it after its
// step. A caller that wants to stop waiting takes the waiter out again; if it can't, the replier
// has it in its hands, and the caller stays until it is woken.
//
// What one side wrote before its step is seen by the other one after it:
//   SYNC (a)  settle (release)                 the outcome       -> settled(), wait_by,
//                                                                   stop_waiting, abandon (acquire)
//   SYNC (b)  wait_by (release)                the waiter        -> settle (acquire)
//   SYNC (c)  abandon, stop_waiting (release)  the caller's last -> settle (acquire), which frees
//                                              look at the slot     the slot or leaves it alone
// The first look of the replier comes after the message that carries the reply_box to it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include <millrace/box/detail/parking.hpp>
#include <millrace/box/detail/slot_pool.hpp>
#include <millrace/box/fresh.hpp>

namespace millrace {

/// The number of a call, unique in this process.
using call_id = fresh<struct call_tag>;

namespace detail {

/// Outcomes of a call that has been settled, besides a value.
struct dropped {};       // the reply_box is gone
struct not_enqueued {};  // nobody ever got it
struct refused {
  std::string why;
};

template <class R>
using value_or_nothing = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
template <class R>
struct replied {
  value_or_nothing<R> value;
};

/// Used by one caller and one replier, as drawn above. Does not move while a call is under way.
template <class R>
class alignas(64) reply_slot {
 public:
  using outcome_type = std::variant<dropped, not_enqueued, replied<R>, refused>;

  /// A pending slot for a new call.
  [[nodiscard]] static reply_slot* make() {
    auto* const slot = slot_pool<reply_slot>::take();
    slot->id = call_id::next();
    // relaxed: the replier gets to know of the slot by a message.
    slot->word_.store(pending, std::memory_order_relaxed);
    return slot;
  }
  /// For whoever came second.
  static void free(reply_slot* slot) noexcept {
    slot->outcome.template emplace<dropped>();
    slot_pool<reply_slot>::give(slot);
  }

  // --- the caller's steps

  [[nodiscard]] bool is_settled() const noexcept {
    return word_.load(std::memory_order_acquire) == settled;  // SYNC (a)
  }
  /// From pending to waiting. False: there is an outcome, nobody will be woken.
  [[nodiscard]] bool wait_by(waiter& w) noexcept { return step(pending, address(w)); }
  /// Back. False: whoever settled the call is waking the waiter, which must stay until then.
  [[nodiscard]] bool stop_waiting(waiter& w) noexcept { return step(address(w), pending); }
  /// The caller goes. False: it can't, as there is an outcome; the slot is its own now.
  [[nodiscard]] static bool abandon(reply_slot* slot) noexcept {
    return slot->word_.exchange(abandoned, std::memory_order_acq_rel) != settled;  // SYNC (a), (c)
  }

  // --- the replier's step

  /// With the outcome in place. The replier must not use the slot any more. False: nobody waits.
  [[nodiscard]] static bool settle(reply_slot* slot) noexcept {
    const auto before = slot->word_.exchange(settled, std::memory_order_acq_rel);  // SYNC (a-c)
    if (before == abandoned) {
      free(slot);
      return false;
    }
    if (before != pending) {
      auto* const sleeper = reinterpret_cast<waiter*>(before);
      sleeper->wake(*sleeper);
    }
    return true;
  }

  // The caller writes the number before the call, the replier the outcome before it settles it.
  call_id id;
  outcome_type outcome;

 private:
  friend slot_batch<reply_slot>;

  static constexpr std::uintptr_t pending = 0;
  static constexpr std::uintptr_t settled = 1;
  static constexpr std::uintptr_t abandoned = 2;
  static_assert(alignof(waiter) > abandoned, "no waiter's address is one of these");

  static std::uintptr_t address(waiter& w) noexcept { return reinterpret_cast<std::uintptr_t>(&w); }

  bool step(std::uintptr_t from, std::uintptr_t to) noexcept {
    return word_.compare_exchange_strong(from, to, std::memory_order_acq_rel,  // SYNC (b), (c)
                                         std::memory_order_acquire);           // SYNC (a)
  }

  std::atomic<std::uintptr_t> word_ = pending;
  reply_slot* next_ = nullptr;  // in the pool
};

static_assert(sizeof(reply_slot<std::uint64_t>) == 64, "a small reply is one cache line");

}  // namespace detail
}  // namespace millrace
