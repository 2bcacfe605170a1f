// The publishing end of a queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

#include <millrace/core/status.hpp>
#include <millrace/queue/options.hpp>

namespace millrace {

namespace detail {
class publisher_core;
}

/// Room for one message inside the queue, to be filled in place. Movable; at most one is open per
/// publisher, and it is used by the publisher's thread. Its destructor aborts what was not
/// committed: then nothing is delivered. Outliving its publisher makes it void: every use then
/// throws errc::closed.
class [[nodiscard]] reservation {
 public:
  reservation(reservation&& other) noexcept;
  reservation& operator=(reservation&& other) noexcept;
  ~reservation();

  /// The room, as many bytes as were reserved; aligned to 16 bytes at least. A failed commit may
  /// move it: ask again after one.
  [[nodiscard]] std::span<std::byte> bytes();

  /// Delivers the whole room, or its first `used` bytes. `full`: the room had been taken back
  /// because this publisher stalled for longer than the queue's patience, and there is none now;
  /// the bytes are kept, so commit again later. `too_large`: used exceeds what was reserved, and
  /// the reservation stays open. Other answers: ok, removed. Throws errc::closed when committed
  /// already.
  status commit();
  status commit(std::size_t used);

 private:
  friend class publisher;
  explicit reservation(detail::publisher_core& core) noexcept;
  detail::publisher_core* core_;
};

/// Puts messages into a queue. Movable, not copyable; one handle is used by one thread at a time,
/// and any number of handles may be open per process. No call but enqueue, enqueue_for, reserve and
/// reserve_for waits, allocates or enters the kernel, unless somebody sleeps who must be woken.
///
/// Every call throws millrace::error with errc::corrupted when the shared memory makes no sense,
/// errc::forked in a child process of the one that opened the handle, errc::closed on a handle that
/// was moved from.
class publisher {
 public:
  /// Opens or makes the queue `name`. Throws millrace::error, see core/error.hpp for the codes.
  explicit publisher(std::string_view name, const queue_options& options = {});
  publisher(publisher&& other) noexcept;
  publisher& operator=(publisher&& other) noexcept;
  /// Leaves the queue. An open reservation is aborted.
  ~publisher();

  /// Enqueues a copy of the bytes. Answers: ok, full, too_large, removed.
  status try_enqueue(std::span<const std::byte> bytes);
  /// The same, waiting for room. Answers: ok, too_large, removed, cancelled.
  status enqueue(std::span<const std::byte> bytes, std::stop_token stop = {});
  /// The same, waiting for room no longer than `time` (steady clock); also: timeout.
  status enqueue_for(std::span<const std::byte> bytes, std::chrono::nanoseconds time,
                     std::stop_token stop = {});
  /// Enqueues all of the messages at once or none, in order: no subscriber, and nobody after a
  /// crash of this process, sees a part of them. Together they may take half of the queue's slots
  /// (a message of up to 112 bytes takes one, a longer one its size divided by block_size,
  /// rounded up). Answers: ok,
  /// full, too_large, removed. An empty batch is ok.
  status try_enqueue_batch(std::span<const std::span<const std::byte>> messages);

  /// Reserves room to write a message of up to `size` bytes in place. Nothing: last_status() says
  /// full, too_large or removed. Throws errc::invalid_option while another reservation is open; the
  /// other calls do so as well, since they would overtake it.
  [[nodiscard]] std::optional<reservation> try_reserve(std::size_t size);
  /// The same, waiting for room; last_status() may also say cancelled.
  [[nodiscard]] std::optional<reservation> reserve(std::size_t size, std::stop_token stop = {});
  /// The same, waiting no longer than `time`; last_status() may also say timeout.
  [[nodiscard]] std::optional<reservation>
  reserve_for(std::size_t size, std::chrono::nanoseconds time, std::stop_token stop = {});

  /// What the latest call on this handle answered.
  [[nodiscard]] status last_status() const noexcept;
  /// Bytes of the longest message this queue takes: half its capacity.
  [[nodiscard]] std::size_t max_message_size() const noexcept;

  // Text as bytes.
  status try_enqueue(std::string_view text) { return try_enqueue(std::as_bytes(std::span(text))); }
  status enqueue(std::string_view text, std::stop_token stop = {}) {
    return enqueue(std::as_bytes(std::span(text)), std::move(stop));
  }
  status enqueue_for(std::string_view text, std::chrono::nanoseconds time,
                     std::stop_token stop = {}) {
    return enqueue_for(std::as_bytes(std::span(text)), time, std::move(stop));
  }

 private:
  struct release {
    void operator()(detail::publisher_core* core) const noexcept;
  };
  std::unique_ptr<detail::publisher_core, release> core_;
};

}  // namespace millrace
