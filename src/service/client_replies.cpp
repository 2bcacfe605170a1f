// What a client does with what comes over its reply queue, and when nothing comes.
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <millrace/service/detail/client_core.hpp>
#include <millrace/service/fingerprint.hpp>

#include "service/ends.hpp"

namespace millrace::detail {

template <class Ends>
void client_core::end_calls(Ends ends, reply_kind kind, std::string_view text) {
  std::vector<kept_reply> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.reserve(calls_.size());
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].number != 0 && ends(calls_[i])) {
        ended.push_back(leave(i).reply);
      }
    }
  }
  for (kept_reply& reply : ended) {
    reply.end(kind, bytes_of(text));
  }
  tell_followers();
}

void client_core::lead_for(std::chrono::nanoseconds time, const std::stop_token& stop) {
  if (const auto reply = replies_->dequeue_for(time, stop)) {
    take(*reply);
  } else if (replies_->last_status() == status::removed) {
    end_calls([](const auto&) { return true; }, reply_kind::dropped);
  } else if (time >= slice && !stop.stop_requested()) {
    look_after_server();
  }
}

void client_core::take(const message& reply) {
  reply_header header;
  std::span<const std::byte> rest;
  if (!split(reply.bytes(), header, rest)) {
    return;
  }
  switch (header.kind) {
  case reply_kind::greeting:
    greeted(header.call, {reinterpret_cast<const char*>(rest.data()), rest.size()});
    break;
  case reply_kind::replied:
  case reply_kind::failed:
  case reply_kind::dropped:
    take_reply(header, rest);
    break;
  }
}

void client_core::take_reply(const reply_header& header, std::span<const std::byte> rest) {
  std::unique_lock lock(mutex_);
  if (header.call == 0 || header.ticket >= calls_.size() ||
      calls_[header.ticket].number != header.call) {
    return;  // it comes late, or again
  }
  call_under_way call = leave(header.ticket);
  lock.unlock();
  call.reply.end(header.kind, rest);  // may go on with a coroutine
  tell_followers();
}

void client_core::tell_followers() {
  const std::lock_guard lock(mutex_);
  if (followers_ != 0) {
    turn_.notify_all();
  }
}

void client_core::greeted(std::uint64_t server, std::string_view description) {
  if (description != description_) {
    refuse(fmt::format("expected the protocol [{}], fingerprint {:016x}; found [{}], {:016x}",
                       description_, fingerprint_, description, fingerprint(description)));
    return;
  }
  bool successor = false;
  {
    const std::lock_guard lock(mutex_);
    greeted_ = true;
    refusal_.clear();
    successor = server_ != 0 && server_ != server;
    server_ = server;
    for (auto& call : calls_) {
      if (call.server == 0) {  // it has come
        call.server = server;
      }
    }
  }
  if (successor && requests_removed()) {  // it serves another queue of that name
    end_calls([](const auto&) { return true; }, reply_kind::dropped);
  } else if (guarantee_ == delivery::at_most_once) {
    end_calls([server](const auto& call) { return call.server != server; }, reply_kind::dropped);
  }
}

bool client_core::requests_removed() {
  const std::lock_guard lock(mutex_);
  return !requests_->try_reserve(1) && requests_->last_status() == status::removed;
}

void client_core::refuse(std::string why) {
  {
    const std::lock_guard lock(mutex_);
    greeted_ = true;
    refusal_ = why;
  }
  end_calls([](const auto&) { return true; }, reply_kind::failed, why);
}

void client_core::look_after_server() {
  if (anybody_lives(reply_queue_, directory_, true) ||
      (guarantee_ != delivery::at_most_once && !removed(service_, directory_))) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    server_ = 0;
  }
  end_calls([](const auto&) { return true; }, reply_kind::dropped);
}

}  // namespace millrace::detail
