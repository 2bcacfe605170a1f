// The other end of a process_pool: what its worker processes call.
//
//   int main(int argc, char** argv) {
//     const auto seat = millrace::worker_seat::find(argc, argv);
//     if (!seat) return 2;  // nobody's worker
//     return millrace::serve(*seat, [](const auto& request, auto& reply) {
//       (void)reply.send(thumbnail_of(request.bytes));
//     });
//   }
//
// A program that is both begins with the same lines and goes on as the pool's owner if there is no
// seat. Workers are always started as programs and never forked from the pool: of a process with
// threads only the one that forks goes on in the child, with whatever locks the others held, so a
// function could do next to nothing there; and a worker that begins with an address space of its
// own cannot spoil, or keep alive, anything of the pool's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/core/status.hpp>
#include <millrace/pool/process_pool.hpp>
#include <millrace/queue/publisher.hpp>

namespace millrace {

/// Which worker of which pool a process is to be: what the pool gave it as its last argument.
struct worker_seat {
  std::string pool;
  std::size_t number = 0;
  bool reports_redelivered = false;
  std::chrono::nanoseconds spin{};
  std::filesystem::path directory;

  /// Nothing: this process was not started by a pool.
  [[nodiscard]] static std::optional<worker_seat> find(int argc, const char* const* argv);
  [[nodiscard]] std::string to_argument() const;
};

struct worker_request {
  std::uint64_t key;
  std::span<const std::byte> bytes;  // where they lie in the queue, until the handler returns
  bool redelivered;                  // a worker that died may have processed it, wholly or in part

  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// Where the reply to one request goes: once. A handler that returns without a reply sends an empty
/// one. Waits while there is no room, as long as the pool lives.
class worker_reply {
 public:
  worker_reply(publisher& replies, std::uint64_t id, bool redelivered) noexcept
      : replies_(replies), id_(id), redelivered_(redelivered) {}

  /// Sends a copy of the bytes. Answers: ok, too_large, removed (nobody waits for it any more),
  /// closed (there has been a reply).
  status send(std::span<const std::byte> bytes);
  status send(std::string_view text) { return send(std::as_bytes(std::span(text))); }
  /// Room to write the reply in place: it is sent when the handler returns, and not if that throws.
  /// Nothing: as above, see last_status().
  [[nodiscard]] std::optional<std::span<std::byte>> reserve(std::size_t size);
  [[nodiscard]] status last_status() const noexcept { return last_; }

 private:
  friend int serve(const worker_seat&,
                   const std::function<void(const worker_request&, worker_reply&)>&);
  status end(reply_outcome how, std::span<const std::byte> bytes);
  void report(std::string_view problem);
  void finish();

  publisher& replies_;
  std::uint64_t id_;
  bool redelivered_;
  bool sent_ = false;
  status last_ = status::ok;
  std::optional<reservation> room_;
};

/// What it throws is the reply: reply_outcome::threw, with what() up to the longest reply, or
/// "unknown exception" if it is no std::exception. One that cannot go on ends the process.
using request_handler = std::function<void(const worker_request&, worker_reply&)>;

/// Calls `handler` for one request after the other until the pool stops; then returns 0, for main.
/// When the pool's process dies, this one ends at once, in whatever it is: it removes the pool's
/// queues and exits without returning. Throws millrace::error if its queues make no sense.
int serve(const worker_seat& seat, const request_handler& handler);

}  // namespace millrace
