// The abstraction that everything here builds on: something that takes messages, something that
// gives them. Boxes, pools and links are written against these two concepts, and one suite
// (tests/conformance) says what they mean beyond their syntax.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <span>
#include <stop_token>
#include <type_traits>

#include <millrace/core/status.hpp>

namespace millrace {

/// Takes messages, keeping the order of those given to one object. Not thread-safe: one thread uses
/// one object at a time. A message of zero bytes is a message.
template <class T>
concept message_sink = requires(T& sink, std::span<const std::byte> bytes,
                                std::chrono::nanoseconds time, std::stop_token stop) {
  { sink.try_enqueue(bytes) } -> std::same_as<status>;
  { sink.enqueue(bytes, stop) } -> std::same_as<status>;
  { sink.enqueue_for(bytes, time, stop) } -> std::same_as<status>;
};

/// A message on loan: destroying it says it is done, requeue() gives it back.
template <class T>
concept message_loan = std::movable<T> && requires(T& loan) {
  { loan.bytes() } -> std::convertible_to<std::span<const std::byte>>;
  { loan.redelivered() } -> std::same_as<bool>;
  loan.requeue();
};

/// What a source's dequeue calls return: a loan, or nothing.
template <class T>
concept optional_loan = requires(T& result) {
  {static_cast<bool>(result)};
  requires message_loan<std::remove_cvref_t<decltype(*result)>>;
};

/// Gives messages, each to one taker. Not thread-safe: one thread uses one object at a time.
template <class T>
concept message_source = requires(T& source, std::chrono::nanoseconds time, std::stop_token stop) {
  { source.try_dequeue() } -> optional_loan;
  { source.dequeue(stop) } -> optional_loan;
  { source.dequeue_for(time, stop) } -> optional_loan;
  { source.last_status() } -> std::same_as<status>;
};

}  // namespace millrace
