// What must hold in every state, and at every end.
//
//   on words     A record is claimed only where every slot is free and of the right lap, and where
//                no live record is. Each word goes only the ways that word.hpp names, only by whom
//                it belongs to (or who recovers that one), and never by a store where an exchange
//                is called for. Nobody writes to the slots of another's record. A record is set
//                free with all its inner words free before its head, and with one lap.
//   on messages  A message is taken once; again only after it came back. What is finished never
//                returns. One publisher's messages are taken in its order, unless they came back.
//                A batch is committed as a whole. The bytes are those that were sent when it is
//                taken and when it is finished. What was given out before says so; with delivery
//                at most once it is not given out again.
//   on verdicts  "full" is wrong in an empty ring, "empty" where the next record is a message, if
//                nobody did anything meanwhile.
//   at the end   When nobody has anything left to do: every message is sent and finished, every
//                slot is free, nobody sleeps, but for what frozen processes hold on to.
//
// All this is checked for sequentially consistent interleavings. What rests on it alone, and is
// therefore to be argued or measured elsewhere for other orders: that bytes written before a commit
// are seen after a take, that inner words set free are seen free by who comes by a hint, and that
// of a sleeper's look and a committer's look one sees the other.
#pragma once

#include <cstdint>
#include <span>

#include <millrace/detail/subscribing.hpp>

#include "world.hpp"

namespace millrace::interleaving {

/// The first thing found wrong since begin(); null: nothing.
[[nodiscard]] const char* violation();
void violate(const char* what);
void forget_violation();

// ---- what happens, told by whoever makes it happen
void word_changed(unsigned slot, word was, word is, bool by_exchange);
void note_received(const detail::taken_message& m);
/// A copy was handed out and its message finished.
void note_copied(std::span<const std::byte> bytes, bool redelivered);
void note_finishing(const detail::taken_message& m);
void note_returned(const detail::taken_message& m);
void note_loss(unsigned who);  // of a process, by death or by being frozen
void note_full();
void note_empty();

/// Nobody has anything left to do: is everything as it should be at the end?
void check_end();

// ---- the bytes of a message
inline constexpr std::size_t inline_size = 8;
/// Writes message `m` of `span` slots at `p`, as its publisher.
void write_message(position p, std::uint32_t span, unsigned m);

}  // namespace millrace::interleaving
