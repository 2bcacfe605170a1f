// The caller's end of a request.
#include <millrace/core/error.hpp>
#include <millrace/pool/process_pool.hpp>

#include "pool/lane.hpp"

namespace millrace {

namespace {

[[noreturn, gnu::cold]] void fail_without_request() {
  throw error(errc::closed, "pending_reply: no request was sent with it");
}

}  // namespace

status pending_reply::wait(std::stop_token stop) {
  if (record_ == nullptr) {
    fail_without_request();
  }
  return lane_->wait(*record_, detail::never, stop);
}

status pending_reply::wait_for(std::chrono::nanoseconds time, std::stop_token stop) {
  if (record_ == nullptr) {
    fail_without_request();
  }
  return lane_->wait(*record_, detail::deadline_after(time), stop);
}

const detail::request_record& pending_reply::ended() const {
  if (record_ == nullptr) {
    fail_without_request();
  }
  return *record_;
}

reply_outcome pending_reply::outcome() const {
  return ended().outcome;
}

std::span<const std::byte> pending_reply::bytes() const {
  return ended().bytes;
}

bool pending_reply::redelivered() const {
  return ended().redelivered;
}

void pending_reply::reset() noexcept {
  if (record_ != nullptr) {
    lane_->give_up(*record_);
    lane_ = nullptr;
    record_ = nullptr;
  }
}

}  // namespace millrace
