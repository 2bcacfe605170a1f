// The ring: slots in shared memory, and the steps on their words that more than one side takes.
//
// The words are the only truth. Every in-between state carries its owner, entered by the same
// compare-and-swap that enters the state, so at any instant, whoever was killed or frozen wherever,
// the memory says who was doing what. Cursors are hints: publishers and subscribers each walk with
// a position of their own (publishing.hpp, subscribing.hpp), and what they may do at a position
// follows from its word alone.
//
// Why that holds:
//  (1) The lap of a word that no record covers never decreases.
//  (2) A walker at position (index i, lap M) stands on the boundary of a record of lap M, or on a
//      word whose lap is beyond M; both stay so.
//  (3) It enters the inside of a record only past a head that is not held and whose lap is beyond
//      M. By then the inner words are beyond M too, because they are always set free before their
//      head.
//  (4) While a head is free(M) nobody has gone past it in lap M, so the compare-and-swap that
//  claims
//      the head also confirms what was seen of the words after it.
//
// Order of memory: every load of a word is an acquire; every store or compare-and-swap that leaves
// a record is a release, those on inner words too, since a walker that came by a hint may never
// have read the head. The pairs are named where they stand, as SYNC (letter):
//   (a) commit: claimed -> ready     with take: ready -> taken       the message's bytes
//   (b) done, release: -> free       with claim: free -> claimed     the reader has finished
//   (c) requeue, recover: -> orphan  with take_orphan: -> taken      as (a), second-hand
//   (d) revoke: claimed -> revoked   with commit's failure           the claim is lost
//   (e) go around: lap + 1           with done's and release's retry the lap to set free with
//
// Why these are enough on processors that reorder more than x86 does, ARM for one:
//   (a) The bytes and the shape are written before the release that makes the word ready, and read
//       after the acquire that finds it so. Whoever comes later reads a value of the same word's
//       release sequence, since between ready and orphan there are only exchanges.
//   (a) A copy made without taking the message is read after the acquire load that found it ready
//       and before the exchange that confirms it: no load moves past a release. If the exchange
//       succeeds the word was the same throughout, as a lap comes again only after 2^32 others.
//   (b) The reader's loads precede the release that sets the word free; a claim acquires it, so the
//       writes that follow come after them. Inner words are set free before the head, each by a
//       release, so a walker that comes upon one without having read the head is as safe.
//   (c) The recoverer's exchange acquires what its victim released, and releases it again. What the
//       victim had written without releasing it lies under a word that becomes padding, unread.
//       That the victim writes no more is known from the kernel's lock, which orders as well.
//   (d) and (e) are races for one word, which has one order of modification: one of the two loses,
//       and its exchange tells it what won.
//   (f) Change, then look for sleepers; announce, then look for changes. That neither side's look
//       overtakes its write takes sequential consistency, and is argued in doorbell.hpp.
// Marks that only a kill can make visible (handed_out, a participant's flags) need no order between
// processors: whoever reads them does so after the kernel has ended the one who wrote them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/detail/atomics.hpp>
#include <millrace/detail/word.hpp>

namespace millrace::detail {

/// A count of slots since the queue was made; see word.hpp.
using position = std::uint64_t;

/// Rings start this many laps before the 32 bits of a word's lap run over, so that the wrap is
/// crossed early in the life of every queue, not for the first time after days in somebody's
/// production. (The idea is Linux's INITIAL_JIFFIES.)
inline constexpr std::uint64_t first_lap = (std::uint64_t{1} << 32) - 16;

inline constexpr std::uint32_t max_owners = 1U << word::owner_bits;
inline constexpr std::uint64_t max_slots = std::uint64_t{1} << word::span_bits;

/// What a message in a slot looks like: its length, and where its bytes are.
struct shape {
  static constexpr std::uint64_t in_blocks = std::uint64_t{1} << 48;   // else inside the slot
  static constexpr std::uint64_t handed_out = std::uint64_t{1} << 49;  // to an exclusive subscriber
  static constexpr std::uint64_t length_mask = in_blocks - 1;

  std::uint64_t bits = 0;
  [[nodiscard]] constexpr std::uint64_t length() const noexcept { return bits & length_mask; }
  [[nodiscard]] constexpr bool has(std::uint64_t flag) const noexcept { return bits & flag; }
};

/// One slot: two cache lines side by side, which processors like to fetch together. A message of up
/// to 48 bytes touches the first only.
///
///      0        8        16                   64                      128
///     +--------+--------+--------------------------------------------+
///     |  word  | shape  |  the bytes of a message of up to 112 bytes |
///     +--------+--------+--------------------------------------------+
///
/// Beside slot i lies block i of block_size bytes; a longer message fills the blocks of its span,
/// which are contiguous.
template <class A>
struct alignas(128) slot {
  static constexpr std::size_t inline_size = 112;
  static constexpr std::size_t second_line = 48;  // where it begins in these

  typename A::template atomic<std::uint64_t> word;
  typename A::template atomic<std::uint64_t> shape;  // its owner's to write, anyone's to read
  std::byte inline_bytes[inline_size];
};
static_assert(sizeof(slot<native_atomics>) == 128);
static_assert(offsetof(slot<native_atomics>, word) == 0);
static_assert(offsetof(slot<native_atomics>, shape) == 8);
static_assert(offsetof(slot<native_atomics>, inline_bytes) == 16);
static_assert(16 + slot<native_atomics>::second_line == 64);

/// Where to begin walking, for a newcomer or a handle that has not moved for long. Written rarely,
/// only forwards, and never past a position that its side still needs. Both relaxed: whoever starts
/// from a stale one only walks further.
template <class A>
struct hints {
  alignas(64) typename A::template atomic<std::uint64_t> publish;
  alignas(64) typename A::template atomic<std::uint64_t> subscribe;
};

/// A view on the ring's memory. Copyable; has no state of its own.
template <class A>
class ring {
 public:
  ring(slot<A>* slots, std::byte* blocks, hints<A>& where, unsigned slots_log2,
       unsigned block_log2) noexcept
      : slots_(slots), blocks_(blocks), hints_(&where), mask_((position{1} << slots_log2) - 1),
        slots_log2_(slots_log2), block_log2_(block_log2) {}

  [[nodiscard]] position size() const noexcept { return mask_ + 1; }
  [[nodiscard]] std::size_t block_size() const noexcept { return std::size_t{1} << block_log2_; }
  [[nodiscard]] std::uint32_t max_span() const noexcept {
    return static_cast<std::uint32_t>(size() / 2);
  }
  [[nodiscard]] std::uint32_t span_for(std::size_t bytes) const noexcept {
    if (bytes <= slot<A>::inline_size) {
      return 1;
    }
    return static_cast<std::uint32_t>((bytes + block_size() - 1) >> block_log2_);
  }

  [[nodiscard]] position index(position p) const noexcept { return p & mask_; }
  [[nodiscard]] std::uint32_t lap(position p) const noexcept {
    return static_cast<std::uint32_t>(p >> slots_log2_);
  }
  [[nodiscard]] slot<A>& at(position p) const noexcept { return slots_[index(p)]; }
  [[nodiscard]] std::byte* block(position p) const noexcept {
    return blocks_ + (index(p) << block_log2_);
  }
  [[nodiscard]] hints<A>& where() const noexcept { return *hints_; }

  [[nodiscard]] word load(position p) const noexcept {
    return {at(p).word.load(std::memory_order_acquire)};
  }
  void store(position p, word w) const noexcept {
    at(p).word.store(w.bits, std::memory_order_release);
  }
  /// On failure `expected` becomes what is there.
  [[nodiscard]] bool exchange(position p, word& expected, word desired) const noexcept {
    return at(p).word.compare_exchange_strong(expected.bits, desired.bits,
                                              std::memory_order_acq_rel, std::memory_order_acquire);
  }

  /// The same for the exchange that ends a record, after which the caller looks for sleepers:
  /// sequentially consistent, so that the look does not overtake it (doorbell.hpp).
  [[nodiscard]] bool exchange_last(position p, word& expected, word desired) const noexcept {
    return at(p).word.compare_exchange_strong(expected.bits, desired.bits,
                                              std::memory_order_seq_cst, std::memory_order_acquire);
  }

  /// Whether a record with this head can be: its span is no longer than any claim, and inside the
  /// ring. Nothing read from shared memory is used as a span before this was asked.
  [[nodiscard]] bool sound(position p, word w) const noexcept {
    return w.span() >= 1 && w.span() <= max_span() && index(p) + w.span() <= size();
  }
  /// Whether a message of this shape fits into its span.
  [[nodiscard]] bool sound(word w, shape s) const noexcept {
    return s.length() <= (s.has(shape::in_blocks) ? std::uint64_t{w.span()} << block_log2_
                                                  : std::uint64_t{slot<A>::inline_size});
  }

  /// Sets a record free that `owner` holds as clearing or revoked: its inner words first, its head
  /// last, all with the head's lap; again if somebody went around it meanwhile. SYNC (b), (e).
  /// False: the head is not that record any more, which no correct process causes.
  bool release(position p, std::uint32_t owner) const noexcept {
    word head = load(p);
    for (;;) {
      if (!(head.is(state::clearing) || head.is(state::revoked)) || head.owner() != owner ||
          !sound(p, head)) {
        return false;
      }
      for (std::uint32_t i = 1; i < head.span(); ++i) {
        store(p + i, word::free(head.lap()));
      }
      if (exchange_last(p, head, word::free(head.lap()))) {
        return true;
      }
    }
  }

  /// Sets padding free, as `owner`, whoever made it. False: somebody else did it.
  bool clear_pad(position p, word pad, std::uint32_t owner) const noexcept {
    if (pad.span() == 1) {
      return exchange(p, pad, word::free(pad.lap() + 1));
    }
    return exchange(p, pad, word::make(pad.lap() + 1, state::clearing, owner, pad.span())) &&
           release(p, owner);
  }

  /// How far a walker goes before it leaves a hint: at least four times a lap, so that no handle
  /// that slept misreads laps, and often enough to be a good moment for other things to be done
  /// rarely.
  [[nodiscard]] position hint_interval() const noexcept {
    return size() / 4 < 1024 ? size() / 4 : 1024;
  }

  /// Moves a hint forwards to `p`.
  static void advance(typename A::template atomic<std::uint64_t>& hint, position p) noexcept {
    position seen = hint.load(std::memory_order_relaxed);
    while (static_cast<std::int64_t>(p - seen) > 0 &&
           !hint.compare_exchange_weak(seen, p, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
    }
  }

 private:
  slot<A>* slots_;
  std::byte* blocks_;
  hints<A>* hints_;
  position mask_;
  unsigned slots_log2_;
  unsigned block_log2_;
};

}  // namespace millrace::detail
