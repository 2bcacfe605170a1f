// The serving end of a service: taking calls, and sending answers to clients that come and go.
#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/service/detail/service_core.hpp>
#include <millrace/service/fingerprint.hpp>

#include "service/ends.hpp"

namespace millrace::detail {

namespace {

/// How long a sleep may be at most while there are delayed replies.
constexpr std::chrono::nanoseconds short_slice = std::chrono::milliseconds(1);
/// How often it asks which of its clients live; it looks at the clock for that once in so many
/// calls.
constexpr std::chrono::nanoseconds roll_call_interval = std::chrono::milliseconds(500);
constexpr std::uint32_t calls_between_clocks = 256;
/// How long the queues of a dead server's clients may be taken by what is left of it.
constexpr std::chrono::nanoseconds succession = std::chrono::seconds(1);

queue_options options_of_queue(const service_options& options) {
  queue_options q;
  q.capacity = options.capacity;
  q.directory = options.directory;
  q.guarantee = options.guarantee;
  q.subscribers = role::exclusive;
  q.spin = options.spin;
  q.permissions = options.permissions;
  return q;
}

/// Of that service, by the names of their reply queues.
std::vector<std::uint64_t> clients_in(const std::filesystem::path& directory,
                                      std::string_view service) {
  std::vector<std::uint64_t> numbers;
  std::error_code nothing_to_see;
  const auto place = directory.empty() ? default_directory() : directory;
  for (std::filesystem::directory_iterator at(place, nothing_to_see), end; at != end;
       at.increment(nothing_to_see)) {
    if (const auto number = client_of(service, at->path().filename().string())) {
      numbers.push_back(*number);
    }
  }
  return numbers;
}

}  // namespace

service_core::service_core(std::string_view name, const service_options& options,
                           std::string description)
    : name_(name), options_(options), description_(std::move(description)),
      fingerprint_(fingerprint(description_)), number_(random_number()) {
  requests_.emplace(name_, options_of_queue(options_));
  greet_all();
}

void service_core::leave() noexcept {
  const std::lock_guard lock(mutex_);
  left_ = true;
  for (const std::size_t hand : finished_) {
    in_hand_[hand].reset();
  }
  finished_.clear();
  clients_.clear();
  requests_.reset();  // what is in hand goes back by that, and is void from now on
  in_hand_.clear();
}

// ---- taking calls

std::optional<service_core::command> service_core::receive(steady_time deadline,
                                                           const std::stop_token& stop) {
  serving_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  for (;;) {
    end_finished();
    make_room();
    if (++received_ % calls_between_clocks == 0) {
      tend();
    }
    auto m = requests_->try_dequeue();
    if (!m) {
      const auto now = std::chrono::steady_clock::now();
      const auto longest = any_delayed_.load(std::memory_order_relaxed) ? short_slice : slice;
      m = requests_->dequeue_for(std::clamp<std::chrono::nanoseconds>(
                                     deadline - now, std::chrono::nanoseconds(0), longest),
                                 stop);
      if (!m) {
        if (requests_->last_status() != status::timeout || now >= deadline) {
          return std::nullopt;
        }
        tend();
        continue;
      }
    }
    command c{};
    if (!split(m->bytes(), c.header, c.content)) {
      continue;  // nobody of ours
    }
    if (c.header.fingerprint != fingerprint_ || c.header.command == hello) {
      // The greeting says what is served here.
      const std::lock_guard lock(mutex_);
      greet(c.header.client);
      continue;
    }
    c.redelivered = m->redelivered();
    c.hand = hold(std::move(*m));
    return c;
  }
}

/// For one more, before it is taken: what can fail for want of memory must not lose a message, nor
/// fail when one is over.
void service_core::make_room() {
  if (!free_hands_.empty()) {
    return;
  }
  in_hand_.emplace_back();
  free_hands_.reserve(in_hand_.capacity());
  {
    const std::lock_guard lock(mutex_);
    finished_.reserve(in_hand_.capacity());
  }
  free_hands_.push_back(in_hand_.size() - 1);
}

std::size_t service_core::hold(message&& m) noexcept {
  const std::size_t hand = free_hands_.back();
  free_hands_.pop_back();
  in_hand_[hand].emplace(std::move(m));
  return hand;
}

void service_core::finish(std::size_t hand) noexcept {
  in_hand_[hand].reset();
  free_hands_.push_back(hand);
}

/// A message is ended by the thread that took it; others leave that to it.
void service_core::answered(std::size_t hand) noexcept {
  if (serving_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    finish(hand);
    return;
  }
  finished_.push_back(hand);
  any_finished_.store(true, std::memory_order_relaxed);
}

void service_core::end_finished() {
  if (!any_finished_.load(std::memory_order_relaxed)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  any_finished_.store(false, std::memory_order_relaxed);
  for (const std::size_t hand : finished_) {
    finish(hand);
  }
  finished_.clear();
}

// ---- answering

void service_core::reply(const request_header& to, std::size_t hand, reply_kind kind,
                         const body& content) noexcept {
  const std::lock_guard lock(mutex_);
  if (left_) {
    return;
  }
  bool sent = true;
  try {
    if (peer* const c = find(to.client)) {
      sent = send(*c, {to.call, to.ticket, kind}, content, hand);
    }
  } catch (...) {  // its queue makes no sense, say
    forget(to.client);
  }
  if (sent) {
    answered(hand);
  }
}

bool service_core::send(peer& to, const reply_header& header, const body& content,
                        std::size_t hand) {
  if (sizeof header + content.size() > to.replies.max_message_size()) {
    const auto why =
        fmt::format("the reply of {} bytes is longer than the client's queue takes, {}",
                    content.size(), to.replies.max_message_size());
    std::string_view text = why;
    return send(to, {header.call, header.ticket, reply_kind::failed}, body::of_text(text), hand);
  }
  // What is delayed goes first.
  if (!to.delayed.empty() || put(to.replies, header, content) == status::full) {
    std::string copy(content.size(), '\0');
    content.write(reinterpret_cast<std::byte*>(copy.data()));
    to.delayed.push_back({header, std::move(copy), hand});
    any_delayed_.store(true, std::memory_order_relaxed);
    return false;
  }
  return true;  // or the client has gone
}

// ---- clients

service_core::peer* service_core::find(std::uint64_t number) {
  const auto known = clients_.find(number);
  return known != clients_.end() ? &known->second : greet(number);
}

service_core::peer* service_core::greet(std::uint64_t number) {
  const auto known = clients_.find(number);
  peer* const c = known != clients_.end() ? &known->second : open(number, succession);
  if (c == nullptr) {
    return nullptr;
  }
  try {
    std::string_view text = description_;
    (void)send(*c, {number_, 0, reply_kind::greeting}, body::of_text(text), no_hand);
    return c;
  } catch (const error&) {  // its queue makes no sense
    forget(number);
    return nullptr;
  }
}

service_core::peer* service_core::open(std::uint64_t number, std::chrono::nanoseconds within) {
  queue_options options;
  options.directory = options_.directory;
  options.open = opening::open_only;
  options.publishers = role::exclusive;
  options.subscribers = role::exclusive;
  options.permissions = options_.permissions;
  for (const auto deadline = deadline_after(within);;) {
    try {
      publisher replies(reply_queue_name(name_, number), options);
      return &clients_.emplace(number, peer{std::move(replies)}).first->second;
    } catch (const error& problem) {
      // A server that is killed leaves its queues one after the other.
      if (problem.code() != errc::role_taken || std::chrono::steady_clock::now() >= deadline) {
        return nullptr;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

/// The clients of a server before this one. What is left of those who died is removed by that.
void service_core::greet_all() {
  const std::lock_guard lock(mutex_);
  for (const auto number : clients_in(options_.directory, name_)) {
    greet(number);
  }
}

/// The queues of clients who died before anything they sent was there to be taken.
void service_core::remove_orphans() {
  const auto known = [this](std::uint64_t number) { return clients_.contains(number); };
  auto numbers = clients_in(options_.directory, name_);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(numbers, known);
  }
  for (const auto number : numbers) {
    if (anybody_lives(reply_queue_name(name_, number), options_.directory, false)) {
      continue;
    }
    const std::lock_guard lock(mutex_);
    // Without waiting for whoever else is attached to it: calls would wait as well.
    if (!known(number) && open(number, std::chrono::nanoseconds::zero()) != nullptr) {
      forget(number);  // the last to leave its queue removes that
    }
  }
}

void service_core::forget(std::uint64_t number) {
  const auto known = clients_.find(number);
  if (known == clients_.end()) {
    return;
  }
  for (const delayed_reply& d : known->second.delayed) {
    if (d.hand != no_hand) {
      finished_.push_back(d.hand);
      any_finished_.store(true, std::memory_order_relaxed);
    }
  }
  clients_.erase(known);
}

/// What is to be done now and then.
void service_core::tend() {
  if (any_delayed_.load(std::memory_order_relaxed)) {
    send_delayed();
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_roll_call_) {
    next_roll_call_ = now + roll_call_interval;
    forget_the_dead();
    remove_orphans();
  }
}

void service_core::send_delayed() {
  const std::lock_guard lock(mutex_);
  bool any = false;
  std::vector<std::uint64_t> broken;
  for (auto& [number, client] : clients_) {
    try {
      any = !send_delayed_to(client) || any;
    } catch (const error&) {
      broken.push_back(number);
    }
  }
  for (const auto number : broken) {
    forget(number);
  }
  any_delayed_.store(any, std::memory_order_relaxed);
}

bool service_core::send_delayed_to(peer& to) {
  for (; !to.delayed.empty(); to.delayed.pop_front()) {
    const delayed_reply& first = to.delayed.front();
    std::string_view content = first.content;
    if (put(to.replies, first.header, body::of_text(content)) == status::full) {
      return false;
    }
    if (first.hand != no_hand) {
      finished_.push_back(first.hand);
      any_finished_.store(true, std::memory_order_relaxed);
    }
  }
  return true;
}

void service_core::forget_the_dead() {
  std::vector<std::uint64_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, client] : clients_) {
      numbers.push_back(number);
    }
  }
  for (const auto number : numbers) {
    if (!anybody_lives(reply_queue_name(name_, number), options_.directory, false)) {
      const std::lock_guard lock(mutex_);
      forget(number);
    }
  }
}

}  // namespace millrace::detail
