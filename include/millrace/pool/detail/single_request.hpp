// A request of its own: one whose sender waits for it, and one whose sender does not.
#pragma once

#include <memory>
#include <utility>

#include <millrace/detail/spinning.hpp>
#include <millrace/pool/detail/errand.hpp>
#include <millrace/pool/detail/item_thread.hpp>
#include <millrace/pool/detail/progress.hpp>
#include <millrace/pool/detail/sleeper.hpp>

namespace millrace::detail {

/// Lies on the stack of whoever waits.
template <class Item, class Request>
class awaited_request final : public job<Item> {
 public:
  explicit awaited_request(Request r) : errand_(std::move(r)) {}

  void run(resident_items<Item>& items) noexcept override {
    errand_.run(items);
    answered();
  }
  void refuse(item_status why) noexcept override {
    errand_.refuse(why);
    answered();
  }

  [[nodiscard]] response_to<Request> await() {
    if (!yield_until([this] { return done_.count() == 1; }) && done_.announce(0)) {
      sleeper_.sleep();
    }
    return std::move(errand_.response());
  }

 private:
  void answered() noexcept {
    if (done_.advance()) {
      sleeper_.wake();
    }
  }

  errand<Request> errand_;
  progress done_;
  sleeper sleeper_;
};

/// Belongs to itself.
template <class Item, class Request>
class sent_request final : public job<Item> {
 public:
  explicit sent_request(Request r) : errand_(std::move(r)) {}

  void run(resident_items<Item>& items) noexcept override {
    const std::unique_ptr<sent_request> gone_then(this);
    errand_.run(items);
  }
  void refuse(item_status) noexcept override { delete this; }

 private:
  errand<Request> errand_;
};

}  // namespace millrace::detail
