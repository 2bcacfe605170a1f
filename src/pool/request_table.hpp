// The requests of one worker that have not ended, or whose replies nobody has read yet.
//
//     free --- send ---> pending --- reply, or report ---> ended --- given up ---> free
//                           |                                                       ^
//                           +--- given up ---> unwanted --- reply, or report -------+
//
// A request is pending or unwanted once, and leaves that state once: what a worker sends again, or
// makes up, finds no record and is dropped. For whoever holds the lane's mutex; but an ended
// record is read by its pending_reply alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <span>
#include <vector>

#include <millrace/pool/process_pool.hpp>

namespace millrace::detail {

struct request_record {
  enum class phase {
    free,
    pending,
    unwanted,
    ended
  };

  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // of the request: tells it from others that had this record
  phase now = phase::free;
  reply_outcome outcome = reply_outcome::answered;
  bool redelivered = false;
  std::vector<std::byte> bytes;  // kept from request to request, for the memory

  [[nodiscard]] std::uint64_t id() const noexcept {
    return std::uint64_t{generation} << 32 | index;
  }
};

class request_table {
 public:
  /// A record for a new request.
  [[nodiscard]] request_record& open() {
    if (free_.empty()) {
      request_record& fresh = records_.emplace_back();
      fresh.index = static_cast<std::uint32_t>(records_.size() - 1);
      free_.reserve(records_.size());  // so that closing never allocates
      free_.push_back(&fresh);
    }
    request_record& r = *free_.back();
    free_.pop_back();
    r.now = request_record::phase::pending;
    ++in_flight_;
    return r;
  }

  /// The request was not sent after all.
  void take_back(request_record& r) noexcept {
    --in_flight_;
    close(r);
  }

  /// Its pending_reply has no more use for it.
  void give_up(request_record& r) noexcept {
    if (r.now == request_record::phase::pending) {
      r.now = request_record::phase::unwanted;
    } else {
      close(r);
    }
  }

  /// The reply to a request, or what there is instead. False: nobody waits for one of that id.
  bool end(std::uint64_t id, reply_outcome how, bool redelivered,
           std::span<const std::byte> bytes) noexcept {
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= records_.size() || records_[index].id() != id || !in_flight(records_[index])) {
      return false;
    }
    end(records_[index], how, redelivered, bytes);
    return true;
  }

  void end_all(reply_outcome how) noexcept {
    for (request_record& r : records_) {
      if (in_flight(r)) {
        end(r, how, false, {});
      }
    }
  }

  /// Requests that have not ended.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  [[nodiscard]] static bool in_flight(const request_record& r) noexcept {
    return r.now == request_record::phase::pending || r.now == request_record::phase::unwanted;
  }

  void end(request_record& r, reply_outcome how, bool redelivered,
           std::span<const std::byte> bytes) noexcept {
    if (r.now == request_record::phase::unwanted) {
      --in_flight_;
      close(r);
      return;
    }
    try {
      r.bytes.assign(bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // a reply that cannot be kept is as good as none
      r.bytes.clear();
      how = reply_outcome::died;
    }
    r.outcome = how;
    r.redelivered = redelivered;
    r.now = request_record::phase::ended;
    --in_flight_;
  }

  void close(request_record& r) noexcept {
    r.now = request_record::phase::free;
    ++r.generation;
    free_.push_back(&r);
  }

  std::deque<request_record> records_;  // where they stay
  std::vector<request_record*> free_;   // used last, used next: its memory is at hand
  std::size_t in_flight_ = 0;
};

}  // namespace millrace::detail
