// Sending, as its users see it: to whom, whether there is room, and what became of it. writing.cpp
// brings it to the kernel.
#include <algorithm>
#include <utility>

#include "link/core.hpp"
#include "link/wake.hpp"

namespace millrace::detail {

namespace {

/// Bytes of a backlog beyond which posts wait.
constexpr std::size_t much = std::size_t{1} << 20;
/// Addresses whose losses are remembered: peers come and go, from ever new ones.
constexpr std::size_t most_losers = 1000;
/// Bytes that are worth a system call of their own.
constexpr std::size_t enough = std::size_t{128} << 10;

std::size_t size_of(message_parts parts) noexcept {
  std::size_t size = 0;
  for (const auto& each : parts) {
    size += each.size();
  }
  return size;
}

void append(connection& c, message_parts parts, std::uint64_t number = 0) {
  const std::size_t before = c.backlog.size();
  const std::size_t size = size_of(parts);
  if (number == 0) {
    append_head(c.backlog, frame_kind::message, size);
  } else {
    append_head(c.backlog, frame_kind::request, number_size + size);
    append_number(c.backlog, number);
  }
  for (const auto& each : parts) {
    c.backlog.insert(c.backlog.end(), each.begin(), each.end());
  }
  c.queued += c.backlog.size() - before;
}

}  // namespace

link_status link_core::send(std::string_view to, message_parts parts, bool acknowledged) {
  const std::size_t size = size_of(parts);
  if (size > options_.max_message_size) {
    return link_status::too_large;
  }
  lock held(driver_.mutex());
  auto why = link_status::ok;
  const connection_ptr c = reach(held, to, why);
  if (!c) {
    return why;
  }
  if (c->state == connection::phase::closed) {
    return c->why;
  }
  const std::uint64_t begin = c->queued;
  const std::uint64_t number = acknowledged ? ++c->requests : 0;
  std::uint64_t end = 0;
  if (size >= least_in_place && !acknowledged && c->can_write_in_place()) {
    end = write_in_place(held, c, parts, size);
  } else {
    append(*c, parts, number);
    end = c->queued;
  }
  const link_status written = wait_until_written(held, c, begin, end);
  if (written != link_status::ok || !acknowledged) {
    return written;
  }
  const steady_time deadline = deadline_after(options_.timeout);
  while (c->acknowledged < number) {
    if (c->state == connection::phase::closed) {
      return c->why;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return link_status::timeout;
    }
    driver_.wait(held, deadline, true);
  }
  return link_status::ok;
}

link_status link_core::post(std::string_view to, std::span<const std::byte> bytes,
                            std::chrono::nanoseconds time, const std::stop_token& stop,
                            bool at_once) {
  if (bytes.size() > options_.max_message_size) {
    return link_status::too_large;
  }
  const wake_on_stop on_stop(stop, waking{&driver_});
  lock held(driver_.mutex());
  if (const link_status lost = take_loss(to); lost != link_status::ok) {
    return lost;
  }
  auto why = link_status::ok;
  const connection_ptr c = reach(held, to, why);
  if (!c) {
    return why;
  }
  if (c->queued - c->written > much) {
    why = wait_for_room(held, *c, deadline_after(time), stop);
    if (why != link_status::ok) {
      return why;
    }
  }
  if (c->state == connection::phase::closed) {
    (void)take_loss(to);  // it is told by this
    return c->why;
  }
  append(*c, {&bytes, 1});
  c->posted = c->queued;
  if (at_once || c->backlog.size() >= enough) {
    write(held, c, c->queued);
  } else {
    write_soon(c);
  }
  return link_status::ok;
}

link_status link_core::wait_for_room(lock& held, connection& c, steady_time deadline,
                                     const std::stop_token& stop) {
  while (c.state != connection::phase::closed && c.queued - c.written > much) {
    if (stop.stop_requested()) {
      return link_status::cancelled;
    }
    if (deadline != never && std::chrono::steady_clock::now() >= deadline) {
      return link_status::timeout;
    }
    driver_.wait(held, deadline, !c.writing);
  }
  return link_status::ok;
}

link_status link_core::flush(std::string_view to) {
  lock held(driver_.mutex());
  const auto found = peers_.find(to);
  if (found != peers_.end()) {
    const connection_ptr c = found->second;
    const link_status s = wait_until_written(held, c, c->queued, c->queued);
    if (s != link_status::ok) {
      (void)take_loss(to);
      return s;
    }
  }
  return closed_ ? link_status::closed : take_loss(to);
}

link_status link_core::take_loss(std::string_view to) {
  const auto found = lost_.find(to);
  if (found == lost_.end()) {
    return link_status::ok;
  }
  const link_status why = found->second;
  lost_.erase(found);
  std::erase(losers_, to);
  return why;
}

void link_core::remember_loss(const std::string& to, link_status why) {
  if (lost_.insert_or_assign(to, why).second) {
    losers_.push_back(to);
  }
  if (losers_.size() > most_losers) {
    lost_.erase(losers_.front());
    losers_.pop_front();
  }
}

}  // namespace millrace::detail
