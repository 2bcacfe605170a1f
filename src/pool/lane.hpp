// The way to one worker and back: its two queues, and the table of its requests.
//
// Replies are taken in by those who wait for them, with no thread in between: one at a time is the
// receiver, and enters what it gets into the table for all; the others sleep until there is news,
// of which the receiver's leaving is one, so that the next can take its place. Whoever waits for
// room to send is a receiver too, as the worker may be waiting for room to reply.
//
// The mutex guards all but the queue of replies, which is for the receiver, or for whoever has the
// mutex while nobody is. Nobody waits for anything else while it has the mutex.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include <millrace/core/status.hpp>
#include <millrace/detail/deadline.hpp>
#include <millrace/pool/process_pool.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

#include "os/fork_watch.hpp"
#include "pool/frame.hpp"
#include "pool/pool_queues.hpp"
#include "pool/request_table.hpp"

namespace millrace::detail {

class lane {
 public:
  lane(const std::string& pool, std::size_t worker, const queue_options& options);

  // ---- for callers, as process_pool and pending_reply say

  status try_send(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply);
  status send(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply,
              steady_time deadline, const std::stop_token& stop);
  /// Until `r` has ended.
  status wait(const request_record& r, steady_time deadline, const std::stop_token& stop);
  void give_up(request_record& r) noexcept;
  [[nodiscard]] std::size_t max_message_size() const noexcept {
    return requests_.max_message_size() - sizeof(frame);
  }

  // ---- for the pool

  /// Takes no more requests.
  void close();
  /// Until no request is in flight.
  status drain(steady_time deadline, const std::stop_token& stop);
  /// Closes, takes in the replies that are there, and ends all other requests so. If somebody is
  /// receiving, that one does so, within a tenth of a second. The first of several counts.
  void fail(reply_outcome how);

  // ---- for the worker's keeper

  /// Whether somebody serves this lane, that is, holds the worker's lease.
  [[nodiscard]] bool served() const { return leases_.worker_lives(); }
  [[nodiscard]] bool failed();
  /// Takes in the replies that are there, unless somebody is receiving. Without it a worker would
  /// wait for room for replies that nobody waits for.
  void take_in();
  /// Whether a request was answered since this was last asked.
  [[nodiscard]] bool take_answered();

 private:
  using lock_type = std::unique_lock<std::mutex>;

  [[nodiscard]] bool forked() const noexcept { return generation_ != os::fork_generation(); }
  void leave_others(pending_reply& reply) noexcept;
  status post(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply);
  template <class Done>
  status wait_until(lock_type& lock, std::chrono::nanoseconds nap, steady_time deadline,
                    const std::stop_token& stop, Done done);
  void receive(lock_type& lock, std::chrono::nanoseconds time, const std::stop_token& stop);
  void take_in_rest();
  void settle(std::span<const std::byte> reply);
  void end_failed();
  void distrust(const std::exception_ptr& thrown);

  const std::uint32_t generation_ = os::fork_generation();
  const std::size_t slots_;  // of each queue
  std::mutex mutex_;
  std::condition_variable_any news_;  // a request has ended, or the receiver has left
  unsigned listeners_ = 0;
  bool receiving_ = false;
  bool closed_ = false;
  bool answered_ = false;
  std::optional<reply_outcome> failed_;
  request_table table_;
  publisher requests_;
  subscriber replies_;
  mutual_leases leases_;
};

}  // namespace millrace::detail
