// The subscribing end of a queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include <millrace/core/status.hpp>
#include <millrace/queue/options.hpp>

namespace millrace {

namespace detail {
class subscriber_core;
}

/// A message on loan from the queue: its bytes are read in place. Movable; used by its subscriber's
/// thread. Its destructor says that the message is done, from which moment it is never delivered
/// again. A message that outlives its subscriber is void: it was given back to the queue as its
/// subscriber left, bytes() and requeue() throw errc::closed.
class [[nodiscard]] message {
 public:
  message(message&& other) noexcept;
  message& operator=(message&& other) noexcept;
  ~message();

  /// The message's bytes, in the queue's memory; valid as long as this object and its subscriber.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  [[nodiscard]] std::string_view text() const;
  /// Whether it was handed out before, to a subscriber that died, left or gave it back. It may have
  /// been processed then, wholly or in part.
  [[nodiscard]] bool redelivered() const noexcept { return redelivered_; }
  /// Gives the message back instead of finishing it: it is delivered again, to anyone, marked
  /// redelivered. Afterwards this object is empty.
  void requeue();

 private:
  friend class detail::subscriber_core;
  message(detail::subscriber_core& core, std::uint64_t position, const std::byte* first,
          std::size_t size, bool redelivered) noexcept;
  detail::subscriber_core* core_;
  std::uint64_t position_;
  const std::byte* first_;
  std::size_t size_;
  bool redelivered_;
};

/// Takes messages out of a queue; each message goes to one subscriber. Movable, not copyable; one
/// handle (with its messages) is used by one thread at a time, and any number of handles may be
/// open per process. The try_ calls and the end of a message do not wait, allocate or enter the
/// kernel, but for two cases: somebody sleeps who must be woken, or somebody else has held a
/// message for so long that this handle asks the system, a few times a second, whether it lives.
///
/// Every call throws millrace::error with errc::corrupted when the shared memory makes no sense,
/// errc::forked in a child process of the one that opened the handle, errc::closed on a handle that
/// was moved from.
class subscriber {
 public:
  /// Opens or makes the queue `name`. Throws millrace::error, see core/error.hpp for the codes.
  explicit subscriber(std::string_view name, const queue_options& options = {});
  subscriber(subscriber&& other) noexcept;
  subscriber& operator=(subscriber&& other) noexcept;
  /// Leaves the queue. Messages still on loan go back to it, to be delivered again.
  ~subscriber();

  /// The next message, without copying. Nothing: last_status() says empty or removed.
  [[nodiscard]] std::optional<message> try_dequeue();
  /// The same, waiting for a message. Nothing: last_status() says cancelled or removed.
  [[nodiscard]] std::optional<message> dequeue(std::stop_token stop = {});
  /// The same, waiting no longer than `time` (steady clock); also: timeout.
  [[nodiscard]] std::optional<message> dequeue_for(std::chrono::nanoseconds time,
                                                   std::stop_token stop = {});
  /// Copies the next message into `buffer`, sets `size` to its length and finishes it. Answers: ok,
  /// empty, removed, or buffer_too_small: `size` is the length it needs, the message is kept.
  status try_dequeue(std::span<std::byte> buffer, std::size_t& size);

  /// What the latest call on this handle answered.
  [[nodiscard]] status last_status() const noexcept;
  /// Bytes of the longest message this queue takes: half its capacity.
  [[nodiscard]] std::size_t max_message_size() const noexcept;

 private:
  struct release {
    void operator()(detail::subscriber_core* core) const noexcept;
  };
  std::unique_ptr<detail::subscriber_core, release> core_;
};

}  // namespace millrace
