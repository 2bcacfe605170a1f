// Serving the requests of a process_pool.
#include <millrace/pool/worker.hpp>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/subscriber.hpp>

#include "os/child_process.hpp"
#include "pool/frame.hpp"
#include "pool/pool_queues.hpp"

namespace millrace {

namespace {

using namespace std::chrono_literals;
using detail::frame;

std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

/// Publishes, waiting for room. Answers: ok, too_large, removed.
status publish(publisher& to, frame f, std::span<const std::byte> bytes) {
  status s = detail::try_publish(to, f, bytes);
  while (s == status::full)
    [[unlikely]] {
      auto room = to.reserve(sizeof f + bytes.size());
      if (!room) {
        return to.last_status();
      }
      detail::write(room->bytes(), f, bytes);
      s = room->commit();
    }
  return s;
}

/// Ends this process when the pool's does, whatever it is doing.
class pool_watch {
 public:
  explicit pool_watch(const worker_seat& seat)
      : seat_(seat), leases_(detail::requests_of(seat.pool, seat.number), seat.directory),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

 private:
  void run(const std::stop_token& stop) {
    constexpr auto between_looks = 100ms;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never_notified;
    while (leases_.pool_lives()) {
      if (never_notified.wait_for(lock, stop, between_looks, [&] { return stop.stop_requested(); }))
        return;
    }
    if (!stop.stop_requested()) {
      // The queues of all workers, as another one may be unable to.
      detail::remove_queues(seat_.pool, seat_.directory);
      os::end_this_process(1);
    }
  }

  const worker_seat& seat_;
  const detail::mutual_leases leases_;
  std::jthread thread_;  // last, as it uses the others
};

}  // namespace

// ---- worker_seat

namespace {

constexpr std::string_view seat_prefix = "millrace-worker:";

/// The text up to the next colon, which goes too.
std::string_view take_field(std::string_view& text) {
  const std::size_t end = std::min(text.find(':'), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

template <class T>
bool read_number(std::string_view text, T& to) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), to);
  return problem == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<worker_seat> worker_seat::find(int argc, const char* const* argv) {
  if (argc < 2) {
    return std::nullopt;
  }
  std::string_view text = argv[argc - 1];
  if (!text.starts_with(seat_prefix)) {
    return std::nullopt;
  }
  text.remove_prefix(seat_prefix.size());
  worker_seat seat;
  unsigned reports = 0;
  std::int64_t spin = 0;
  seat.pool = take_field(text);
  if (!read_number(take_field(text), seat.number) || !read_number(take_field(text), reports) ||
      !read_number(take_field(text), spin)) {
    return std::nullopt;
  }
  seat.reports_redelivered = reports != 0;
  seat.spin = std::chrono::nanoseconds(spin);
  seat.directory = text;
  return seat;
}

std::string worker_seat::to_argument() const {
  return fmt::format("{}{}:{}:{}:{}:{}", seat_prefix, pool, number, reports_redelivered ? 1 : 0,
                     spin.count(), directory.string());
}

// ---- worker_reply

status worker_reply::send(std::span<const std::byte> bytes) {
  return end(reply_outcome::answered, bytes);
}

std::optional<std::span<std::byte>> worker_reply::reserve(std::size_t size) {
  room_.reset();
  if (sent_) {
    last_ = status::closed;
    return std::nullopt;
  }
  room_ = replies_.reserve(sizeof(frame) + size);
  last_ = replies_.last_status();
  if (!room_) {
    return std::nullopt;
  }
  const auto room = room_->bytes();
  detail::write(room, {id_, frame::ending(reply_outcome::answered, redelivered_)}, {});
  return room.subspan(sizeof(frame));
}

status worker_reply::end(reply_outcome how, std::span<const std::byte> bytes) {
  room_.reset();
  if (sent_) {
    return last_ = status::closed;
  }
  last_ = publish(replies_, {id_, frame::ending(how, redelivered_)}, bytes);
  sent_ = last_ == status::ok;
  return last_;
}

/// As much of it as there is room for.
void worker_reply::report(std::string_view problem) {
  const std::size_t most = replies_.max_message_size() - sizeof(frame);
  (void)end(reply_outcome::threw, as_bytes(problem.substr(0, most)));
}

void worker_reply::finish() {
  if (room_) {
    do {
      last_ = room_->commit();
    } while (last_ == status::full);
  } else if (!sent_ && last_ == status::too_large) {
    report("the reply is too large");
  } else if (!sent_) {
    (void)end(reply_outcome::answered, {});
  }
}

// ---- serve

int serve(const worker_seat& seat, const request_handler& handler) {
  os::continue_after_parent();
  auto options = detail::pool_queue_options(seat.directory, seat.spin);
  options.open = opening::open_only;
  std::optional<subscriber> requests;
  std::optional<publisher> replies;
  try {
    requests.emplace(detail::requests_of(seat.pool, seat.number), options);
    replies.emplace(detail::replies_of(seat.pool, seat.number), options);
  } catch (const error& problem) {
    if (problem.code() != errc::not_found) {
      throw;
    }
    // The pool has ended meanwhile; if it was killed, this may be the last to know of its queues.
    detail::remove_deserted(seat.pool, seat.directory);
    return 0;
  }
  const pool_watch watch(seat);
  while (const auto m = requests->dequeue()) {
    const auto f = detail::frame_of(m->bytes());
    if (!f) {
      continue;
    }
    worker_reply reply(*replies, f->id, m->redelivered());
    if (m->redelivered() && seat.reports_redelivered) {
      (void)reply.end(reply_outcome::died, {});
      continue;
    }
    try {
      handler({f->about, m->bytes().subspan(sizeof *f), m->redelivered()}, reply);
      reply.finish();
    } catch (const std::exception& problem) {
      reply.report(problem.what());
    } catch (...) {
      reply.report("unknown exception");
    }
  }
  return 0;
}

}  // namespace millrace
