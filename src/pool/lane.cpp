// Sending to one worker, and taking in its replies.
#include "pool/lane.hpp"

#include <algorithm>

#include <millrace/core/error.hpp>

#include "queue/segment.hpp"

namespace millrace::detail {

namespace {

using namespace std::chrono_literals;

/// No nap is longer: a lane may fail, or be failed, without a message.
constexpr std::chrono::nanoseconds longest_nap = 100ms;
/// The worker makes room after it has replied, of which it says nothing more.
constexpr std::chrono::nanoseconds nap_for_room = 1ms;

}  // namespace

lane::lane(const std::string& pool, std::size_t worker, const queue_options& options)
    : slots_(geometry::of(options, pool).slots()), requests_(requests_of(pool, worker), options),
      replies_(replies_of(pool, worker), options),
      leases_(requests_of(pool, worker), options.directory) {}

// ---- sending

status lane::try_send(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply) {
  leave_others(reply);
  const lock_type lock(mutex_);
  const status s = post(key, bytes, reply);
  if (s != status::full || receiving_) {
    return s;
  }
  take_in_rest();  // which may be what the worker waits for
  return post(key, bytes, reply);
}

status lane::send(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply,
                  steady_time deadline, const std::stop_token& stop) {
  leave_others(reply);
  lock_type lock(mutex_);
  status posted = status::full;
  const status waited = wait_until(lock, nap_for_room, deadline, stop, [&] {  // posts once
    return posted != status::full || (posted = post(key, bytes, reply)) != status::full;
  });
  return waited == status::ok ? posted : waited;
}

/// A request of another lane is given up with that one's mutex, and not with two.
void lane::leave_others(pending_reply& reply) noexcept {
  if (reply.lane_ != this) {
    reply.reset();
  }
}

/// Answers as process_pool::try_send.
status lane::post(std::uint64_t key, std::span<const std::byte> bytes, pending_reply& reply) {
  if (reply.lane_ == this) {
    table_.give_up(*reply.record_);
    reply.lane_ = nullptr;
    reply.record_ = nullptr;
  }
  if (closed_) {
    return status::closed;
  }
  request_record& r = table_.open();
  status s = status::closed;
  try {
    s = try_publish(requests_, {r.id(), key}, bytes);
  } catch (...) {
    table_.take_back(r);
    distrust(std::current_exception());
    return status::closed;
  }
  if (s == status::ok) [[likely]] {
    reply.lane_ = this;
    reply.record_ = &r;
    return s;
  }
  table_.take_back(r);
  return s == status::removed ? status::closed : s;
}

// ---- waiting

status lane::wait(const request_record& r, steady_time deadline, const std::stop_token& stop) {
  if (forked()) {
    throw error(errc::forked, "pending_reply: it belongs to the parent of this process");
  }
  lock_type lock(mutex_);
  return wait_until(lock, longest_nap, deadline, stop,
                    [&r] { return r.now == request_record::phase::ended; });
}

status lane::drain(steady_time deadline, const std::stop_token& stop) {
  lock_type lock(mutex_);
  return wait_until(lock, longest_nap, deadline, stop, [this] { return table_.in_flight() == 0; });
}

/// Until `done()`, which is asked with the mutex. Answers: ok, timeout, cancelled.
template <class Done>
status lane::wait_until(lock_type& lock, std::chrono::nanoseconds nap, steady_time deadline,
                        const std::stop_token& stop, Done done) {
  for (bool waited = false; !done(); waited = true) {
    if (waited && stop.stop_requested()) {
      return status::cancelled;
    }
    auto time = nap;
    if (deadline != never) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (waited && left <= 0ns) {
        return status::timeout;
      }
      time = std::clamp<std::chrono::nanoseconds>(left, 0ns, nap);
    }
    if (!receiving_) {
      receive(lock, time, stop);
    } else {
      ++listeners_;
      (void)news_.wait_for(lock, stop, time, [&] { return !receiving_ || done(); });
      --listeners_;
    }
  }
  return status::ok;
}

void lane::give_up(request_record& r) noexcept {
  if (forked()) {
    return;  // a thread of the parent's may have had the mutex, for ever
  }
  const lock_type lock(mutex_);
  table_.give_up(r);
}

// ---- receiving

void lane::receive(lock_type& lock, std::chrono::nanoseconds time, const std::stop_token& stop) {
  receiving_ = true;
  lock.unlock();
  try {
    const auto m = replies_.dequeue_for(time, stop);
    lock.lock();
    receiving_ = false;
    if (m) {
      settle(m->bytes());
    } else if (replies_.last_status() == status::removed && !failed_) {
      closed_ = true;  // somebody removed the queue: nothing comes any more
      failed_ = reply_outcome::died;
    }
  } catch (...) {
    if (!lock.owns_lock()) {
      lock.lock();
    }
    receiving_ = false;
    distrust(std::current_exception());
  }
  if (failed_) [[unlikely]] {
    end_failed();
  } else {
    take_in_rest();
  }
  if (listeners_ != 0) {
    news_.notify_all();
  }
}

/// What has come already, as long as somebody may wait for it. No more than the queue holds, so
/// that an end is in sight; replies that nobody waits for may be among them.
void lane::take_in_rest() {
  try {
    for (std::size_t i = 0; i != slots_ && table_.in_flight() != 0; ++i) {
      const auto m = replies_.try_dequeue();
      if (!m) {
        return;
      }
      settle(m->bytes());
    }
  } catch (...) {
    distrust(std::current_exception());
  }
}

/// Whatever a worker wrote: what makes no sense is nobody's reply.
void lane::settle(std::span<const std::byte> reply) {
  const auto f = frame_of(reply);
  if (!f) {
    return;
  }
  const auto how = static_cast<reply_outcome>(f->about & 0xFF);
  const bool answer = how == reply_outcome::answered || how == reply_outcome::threw;
  if (!answer && how != reply_outcome::died) {
    return;
  }
  const bool redelivered = (f->about & frame::redelivered) != 0;
  if (table_.end(f->id, how, redelivered, reply.subspan(sizeof *f))) {
    answered_ = answered_ || answer;
  }
}

// ---- ends

void lane::close() {
  const lock_type lock(mutex_);
  closed_ = true;
}

void lane::fail(reply_outcome how) {
  const lock_type lock(mutex_);
  closed_ = true;
  failed_ = failed_.value_or(how);
  if (!receiving_) {
    end_failed();
  }
}

void lane::end_failed() {
  take_in_rest();
  table_.end_all(*failed_);
  if (listeners_ != 0) {
    news_.notify_all();
  }
}

/// What a queue threw. If it makes no sense, which its worker must have done, the lane has failed.
/// Anything else is thrown on: in a forked child, for instance, the queue is the parent's.
void lane::distrust(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const error& problem) {
    if (problem.code() != errc::corrupted) {
      throw;
    }
  }
  closed_ = true;
  failed_ = failed_.value_or(reply_outcome::died);
  if (!receiving_) {
    table_.end_all(*failed_);
  }
}

bool lane::failed() {
  const lock_type lock(mutex_);
  return failed_.has_value();
}

void lane::take_in() {
  const lock_type lock(mutex_);
  if (!receiving_ && !failed_) {
    take_in_rest();
  }
}

bool lane::take_answered() {
  take_in();
  const lock_type lock(mutex_);
  return std::exchange(answered_, false);
}

}  // namespace millrace::detail
