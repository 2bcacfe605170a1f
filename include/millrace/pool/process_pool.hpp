// process_pool: keyed workers that are processes. Requests of one key go to one worker, in order;
// what a worker does to its memory, or how it dies, is nobody else's concern.
//
//   millrace::process_pool pool({.program = "/usr/bin/resizer", .workers = 2});
//   millrace::pending_reply thumbnail;
//   if (pool.send(album, picture, thumbnail) == millrace::status::ok) {
//     (void)thumbnail.wait();
//     use(thumbnail.outcome(), thumbnail.bytes());
//   }
//
// The program of the workers calls serve(), see worker.hpp; it may be this program itself. Between
// the pool and each worker there are two queues, one there and one back, of which nobody else is a
// participant: a worker that is frozen, or that writes nonsense where it can, spoils its own alone.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/core/status.hpp>

namespace millrace {

namespace detail {
class lane;
struct request_record;
}  // namespace detail

/// What a worker is chosen by: a number, or the hash of anything else.
class routing_key {
 public:
  template <class T>
  requires std::integral<T>
  constexpr routing_key(T number) noexcept  // NOLINT: implicit
      : number_(static_cast<std::uint64_t>(number)) {}
  template <class T>
  requires std::convertible_to<const T&, std::string_view> routing_key(const T& text)  // NOLINT
      : number_(std::hash<std::string_view>()(text)) {}
  template <class T>
  requires(!std::integral<T> && !std::convertible_to<const T&, std::string_view> &&
           requires(const T& t) { std::hash<T>()(t); })  //
      routing_key(const T& value)                        // NOLINT: implicit
      : number_(std::hash<T>()(value)) {}

  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return number_; }

 private:
  std::uint64_t number_;
};

/// What becomes of the request that a worker had in its hands when it died.
enum class after_death {
  redeliver,  // its successor gets it, marked redelivered: it may be processed twice
  report,     // it is reported as reply_outcome::died: it was processed wholly, in part or not
};

/// When a worker died it is started again, its queues with all that is in them are its successor's.
struct restart_policy {
  /// How often in a row, without a single answer in between. One that dies once more is given up:
  /// its requests are reported as reply_outcome::died, sending to its keys is answered by closed.
  unsigned limit = 5;
  /// Before the first restart in a row; twice that before the next one, and so on.
  std::chrono::nanoseconds first_pause = std::chrono::milliseconds(10);
  std::chrono::nanoseconds longest_pause = std::chrono::seconds(1);
};

struct process_pool_options {
  /// What the workers run; its name is not looked for in PATH. Empty: the program that calls, which
  /// then asks worker_seat::find first of all (worker.hpp).
  std::filesystem::path program = {};
  /// For the program, before what serve() needs.
  std::vector<std::string> arguments = {};
  std::size_t workers = 1;
  /// The processors that workers are bound to, in turn, from before their first instruction. Empty:
  /// none.
  std::vector<int> processors = {};
  after_death on_death = after_death::redeliver;
  restart_policy restart = {};
  /// Bytes of each queue, see queue_options. A request or reply has at most half, less 16 bytes.
  std::size_t capacity = std::size_t{1} << 20;
  /// See queue_options, as the next. The names of queues begin with "process-pool.".
  std::filesystem::path directory = {};
  std::chrono::nanoseconds spin = std::chrono::microseconds(20);
};

/// How a request ended.
enum class reply_outcome {
  answered,  // the reply is there
  threw,     // the worker's handler did; bytes() are what what() said. The worker goes on
  died,      // the worker did, see after_death and restart_policy; or the pool had no memory to
             // keep the reply
  stopped,   // the pool was, before there was a reply
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(reply_outcome o) noexcept {
  switch (o) {
  case reply_outcome::answered:
    return "answered";
  case reply_outcome::threw:
    return "threw";
  case reply_outcome::died:
    return "died";
  case reply_outcome::stopped:
    return "stopped";
  }
  return "unknown";
}

/// The reply to one request, which comes, or is reported not to come, once. Movable; used by one
/// thread at a time. Ends before its pool. Its end, or using it for another request, gives the
/// reply up: the request is processed all the same. Using one again and again saves allocations.
class pending_reply {
 public:
  pending_reply() noexcept = default;
  pending_reply(pending_reply&& other) noexcept
      : lane_(std::exchange(other.lane_, nullptr)), record_(std::exchange(other.record_, nullptr)) {
  }
  pending_reply& operator=(pending_reply&& other) noexcept {
    if (this != &other) {
      reset();
      lane_ = std::exchange(other.lane_, nullptr);
      record_ = std::exchange(other.record_, nullptr);
    }
    return *this;
  }
  ~pending_reply() { reset(); }

  /// Whether it belongs to a request that was sent.
  [[nodiscard]] explicit operator bool() const noexcept { return record_ != nullptr; }

  /// Waits. ok: the request has ended; cancelled. While it waits this thread takes in replies for
  /// others as well. Throws errc::closed if there is no request, as do the next four; errc::forked
  /// in a child process of the pool's.
  status wait(std::stop_token stop = {});
  /// The same, no longer than `time`, which may be none; also: timeout.
  status wait_for(std::chrono::nanoseconds time, std::stop_token stop = {});

  /// REQUIRES, as for the next two: wait or wait_for answered ok.
  [[nodiscard]] reply_outcome outcome() const;
  /// Valid until this object ends or is used for another request.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  /// Whether a worker may have begun with the request before the one that replied.
  [[nodiscard]] bool redelivered() const;
  [[nodiscard]] std::string_view text() const {
    const auto all = bytes();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }

  /// Gives the reply up.
  void reset() noexcept;

 private:
  friend class detail::lane;
  [[nodiscard]] const detail::request_record& ended() const;

  detail::lane* lane_ = nullptr;
  detail::request_record* record_ = nullptr;
};

/// One worker, as of now. For people and tests.
struct worker_info {
  std::uint32_t process;  // its number; 0 while there is none
  std::uint64_t deaths;
  bool given_up;
};

/// Thread-safety: all from any thread, but for the constructor and the destructor. In a forked
/// child of the process that made it nothing can be used, and its end does nothing.
///
/// If that process is killed with SIGKILL, its workers end within about a tenth of a second and
/// remove the pool's queues. Exceptions: a stopped worker that another program started, or that has
/// not called serve() yet, is not continued, and ends when somebody continues it; a pool that is
/// killed while its constructor runs may leave queues that nobody has joined: the next pool in that
/// directory removes them, once they are ten seconds old.
class process_pool {
 public:
  /// Starts the workers, without waiting until they serve. Throws millrace::error: invalid_option;
  /// not_found, permission_denied or system when the program cannot be started; what opening a
  /// queue throws. Takes queues away that killed pools have left in the directory.
  explicit process_pool(const process_pool_options& options);
  process_pool(const process_pool&) = delete;
  process_pool& operator=(const process_pool&) = delete;
  /// As kill().
  ~process_pool();

  /// Sends a copy of the bytes to the worker of `key`. Answers: ok, full, too_large, closed (the
  /// pool was stopped, or the worker given up); `reply` belongs to the request if ok, and to none
  /// otherwise. The order of one thread's requests of one key is kept.
  status try_send(routing_key key, std::span<const std::byte> bytes, pending_reply& reply);
  /// The same, waiting for room, during which it takes in replies. Answers: ok, too_large, closed,
  /// cancelled.
  status send(routing_key key, std::span<const std::byte> bytes, pending_reply& reply,
              std::stop_token stop = {});
  /// The same, waiting no longer than `time`; also: timeout.
  status send_for(routing_key key, std::span<const std::byte> bytes, std::chrono::nanoseconds time,
                  pending_reply& reply, std::stop_token stop = {});

  /// Takes no more requests, waits until all that were sent have ended, has the workers end and
  /// waits for that too. ok; timeout or cancelled: call it again, or kill(). A pool that is not
  /// drained because a worker is frozen stays so until that goes on or is killed.
  status drain(std::stop_token stop = {});
  status drain_for(std::chrono::nanoseconds time, std::stop_token stop = {});
  /// Takes no more requests, kills the workers, and reports what was sent and has no reply yet as
  /// reply_outcome::stopped. Again: nothing. What is killed are the processes that the pool
  /// started: a worker that one of them started in turn ends when it next looks, within a tenth of
  /// a second, and if it is frozen, when it goes on.
  void kill();

  [[nodiscard]] std::size_t worker_count() const noexcept;
  /// The remainder of the key, so that numbers in a row go to workers in turn.
  [[nodiscard]] std::size_t worker_of(routing_key key) const noexcept;
  [[nodiscard]] worker_info worker(std::size_t number) const;
  /// Bytes of the longest request or reply.
  [[nodiscard]] std::size_t max_message_size() const noexcept;

  // Text as bytes.
  status try_send(routing_key key, std::string_view text, pending_reply& reply) {
    return try_send(key, std::as_bytes(std::span(text)), reply);
  }
  status send(routing_key key, std::string_view text, pending_reply& reply,
              std::stop_token stop = {}) {
    return send(key, std::as_bytes(std::span(text)), reply, std::move(stop));
  }
  status send_for(routing_key key, std::string_view text, std::chrono::nanoseconds time,
                  pending_reply& reply, std::stop_token stop = {}) {
    return send_for(key, std::as_bytes(std::span(text)), time, reply, std::move(stop));
  }

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace millrace
