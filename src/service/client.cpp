// The calling end of a service: connecting, sending, and who takes the replies.
#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/inspect.hpp>
#include <millrace/service/detail/client_core.hpp>
#include <millrace/service/fingerprint.hpp>

#include "core/fail.hpp"
#include "os/fork_watch.hpp"
#include "service/ends.hpp"

namespace millrace::detail {

namespace {

/// Between attempts to send into a full queue, or to open one that is not there yet.
constexpr std::chrono::nanoseconds pause = std::chrono::microseconds(100);

}  // namespace

std::uint64_t random_number() {
  std::random_device entropy;
  return std::uniform_int_distribution<std::uint64_t>(1)(entropy);
}

client_core::client_core(std::string_view service, const client_options& options,
                         std::string description)
    : service_(service), description_(std::move(description)),
      fingerprint_(fingerprint(description_)), generation_(os::fork_generation()),
      directory_(options.directory), send_within_(options.send_within) {
  connect(service, options);
}

void client_core::release::operator()(client_core* core) const noexcept {
  if (core->generation_ == os::fork_generation()) {
    delete core;
  }
}

client_core::~client_core() {
  listener_.request_stop();
  if (listener_.joinable()) {
    listener_.join();
  }
  try {
    // The server is attached to it, too: it would stay until that notices.
    (void)millrace::remove(reply_queue_, directory_);
  } catch (...) {  // the server sees to it
  }
}

void client_core::connect(std::string_view service, const client_options& options) {
  const auto deadline = deadline_after(options.connect_within);
  queue_options to_server;
  to_server.directory = options.directory;
  to_server.open = opening::open_only;
  to_server.subscribers = role::exclusive;
  to_server.permissions = options.permissions;
  while (!requests_) {
    try {
      requests_.emplace(service, to_server);
    } catch (const error& problem) {
      if (problem.code() != errc::not_found || std::chrono::steady_clock::now() >= deadline) {
        throw;
      }
      std::this_thread::sleep_for(pause);
    }
  }
  guarantee_ = stat(service, options.directory).guarantee;

  queue_options from_server;
  from_server.capacity = options.capacity;
  from_server.directory = options.directory;
  from_server.open = opening::create_only;
  from_server.life = lifetime::transient;
  from_server.publishers = role::exclusive;
  from_server.subscribers = role::exclusive;
  from_server.spin = options.spin;
  from_server.permissions = options.permissions;
  number_ = random_number();
  reply_queue_ = reply_queue_name(service, number_);
  replies_.emplace(reply_queue_, from_server);

  const body nothing;
  // A server that has just come greets whom it finds, which may be this one, before it has asked.
  if (!send({hello, nothing}, nullptr, deadline, {}) && !greeted_) {
    fail(errc::not_found, service, "connecting", "nobody takes calls out of its queue");
  }
  while (!greeted_) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      fail(errc::not_found, service, "connecting", "its queue is there, but no server answers");
    }
    lead_for(std::min<std::chrono::nanoseconds>(deadline - now, slice), {});
  }
  if (!refusal_.empty()) {
    fail(errc::protocol_mismatch, service, "connecting", refusal_);
  }
}

// ---- sending

bool client_core::send(const outgoing& what, attended_call* by, std::optional<steady_time> deadline,
                       const std::stop_token& stop) {
  for (;;) {
    const status s = try_send(what, by);
    if (s != status::full) {
      return s == status::ok;
    }
    if (!deadline) {
      deadline = deadline_after(send_within_);
    }
    if (stop.stop_requested() || std::chrono::steady_clock::now() >= *deadline) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
}

status client_core::try_send(const outgoing& what, attended_call* by) {
  std::unique_lock lock(mutex_);
  hear_news(lock);
  if (!refusal_.empty()) {
    if (what.reply == nullptr) {
      return status::closed;
    }
    const std::string why = refusal_;
    lock.unlock();
    what.reply->end(reply_kind::failed, bytes_of(why));
    return status::ok;
  }
  const std::uint32_t ticket = what.reply != nullptr ? free_ticket() : 0;
  if (what.reply != nullptr && by == nullptr && !listener_.joinable()) {
    listener_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }
  const status s =
      put(*requests_, request_header{fingerprint_, number_, what.number, ticket, what.place},
          what.content);
  if (s == status::ok && what.reply != nullptr) {
    enter(ticket, what, by);
  }
  return s;
}

/// What the server said while nobody listened comes first: it may be another one by now.
void client_core::hear_news(std::unique_lock<std::mutex>& lock) {
  while (!led_) {
    auto said = replies_->try_dequeue();
    if (!said) {
      return;
    }
    led_ = true;
    lock.unlock();
    {
      const leadership ours(*this);
      const message news = std::move(*said);
      take(news);
    }
    lock.lock();
  }
}

/// All that can fail for want of memory fails here, before the call is sent.
std::uint32_t client_core::free_ticket() {
  if (free_.empty()) {
    calls_.emplace_back();
    free_.reserve(calls_.capacity());
    free_.push_back(static_cast<std::uint32_t>(calls_.size() - 1));
  }
  return free_.back();
}

void client_core::enter(std::uint32_t ticket, const outgoing& what, attended_call* by) {
  free_.pop_back();
  calls_[ticket] = {what.number, server_, by != nullptr, std::move(*what.reply)};
  if (by == nullptr) {
    ++unattended_;
    if (!led_) {
      turn_.notify_all();
    }
  } else if (!led_) {
    led_ = by->leads_ = true;
  }
}

client_core::call_under_way client_core::leave(std::size_t ticket) {
  call_under_way left = std::exchange(calls_[ticket], {});
  free_.push_back(static_cast<std::uint32_t>(ticket));
  if (!left.attended) {
    --unattended_;
  }
  return left;
}

// ---- leading and following

bool client_core::wait(attended_call& by, const condition& ready) {
  if (!by.leads_) {
    std::unique_lock lock(mutex_);
    if (led_) {
      ++followers_;
      const bool turned =
          turn_.wait_until(lock, by.stop_, by.deadline_, [&] { return ready() || !led_; });
      --followers_;
      return turned;
    }
    led_ = by.leads_ = true;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= by.deadline_ || by.stop_.stop_requested()) {
    return false;
  }
  lead_for(std::min<std::chrono::nanoseconds>(by.deadline_ - now, slice), by.stop_);
  return true;
}

void client_core::step_down() {
  const std::lock_guard lock(mutex_);
  led_ = false;
  if (followers_ + unattended_ != 0) {
    turn_.notify_all();
  }
}

void client_core::listen(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (turn_.wait(lock, stop, [this] { return unattended_ != 0 && !led_; }) &&
         !stop.stop_requested()) {
    led_ = true;
    lock.unlock();
    try {
      const leadership ours(*this);
      while (anything_unattended() && !stop.stop_requested()) {
        lead_for(slice, stop);
      }
    } catch (const std::exception& problem) {  // the queue's memory makes no sense, say
      refuse(problem.what());
    }
    lock.lock();
  }
}

bool client_core::anything_unattended() {
  const std::lock_guard lock(mutex_);
  return unattended_ != 0;
}

}  // namespace millrace::detail
