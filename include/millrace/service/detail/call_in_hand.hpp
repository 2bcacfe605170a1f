// A call that a service has handed out: waits for its reply_box to be used or dropped, whichever
// thread does that, and sends the answer in that thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/box/async_reply.hpp>
#include <millrace/box/detail/awaited_reply.hpp>
#include <millrace/box/detail/parking.hpp>
#include <millrace/box/detail/slot_pool.hpp>
#include <millrace/box/reply.hpp>
#include <millrace/service/detail/frame.hpp>
#include <millrace/service/detail/service_core.hpp>

namespace millrace::detail {

/// Lives from begin() until the call is answered, which is when the core may go at the earliest.
template <class R>
class call_in_hand : waiter {
 public:
  [[nodiscard]] static reply_box<R> begin(const std::shared_ptr<service_core>& core,
                                          const service_core::command& of) {
    new_call<R> made;
    call_in_hand* const call = slot_pool<call_in_hand>::take();
    call->core_ = core;
    call->header_ = of.header;
    call->hand_ = of.hand;
    call->reply_.emplace(std::move(made.reply));
    static_cast<void>(call->reply_->slot().wait_by(*call));  // nobody can have replied yet
    return std::move(made.box);
  }

 private:
  friend heap_depot<call_in_hand>;
  friend slot_batch<call_in_hand>;

  struct expected_reply : awaited_reply<R> {
    explicit expected_reply(async_reply<R>&& reply) noexcept : awaited_reply<R>(std::move(reply)) {}
    using awaited_reply<R>::slot;
    using awaited_reply<R>::take;
  };

  call_in_hand() noexcept
      : waiter{[](waiter& w) noexcept { static_cast<call_in_hand&>(w).answered(); }} {}

  void answered() noexcept {
    auto answer = reply_->take();
    reply_.reset();
    const auto core = std::move(core_);
    const auto header = header_;
    const auto hand = hand_;
    slot_pool<call_in_hand>::give(this);
    if (answer) {
      if constexpr (std::is_void_v<R>) {
        core->reply(header, hand, reply_kind::replied, body());
      } else {
        core->reply(header, hand, reply_kind::replied, body(*answer));
      }
    } else if (answer.error().code == command_errc::failed) {
      std::string_view why = answer.error().why;
      core->reply(header, hand, reply_kind::failed, body::of_text(why));
    } else {
      core->reply(header, hand, reply_kind::dropped, body());
    }
  }

  std::shared_ptr<service_core> core_;
  request_header header_{};
  std::size_t hand_ = 0;
  std::optional<expected_reply> reply_;
  call_in_hand* next_ = nullptr;  // in the pool
};

}  // namespace millrace::detail
