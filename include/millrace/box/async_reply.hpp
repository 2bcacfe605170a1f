// async_reply: the reply to a call, with whoever made the call, for as long as it takes.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <variant>

#include <millrace/box/detail/await_reply.hpp>
#include <millrace/box/detail/reply_slot.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/reply.hpp>
#include <millrace/box/result.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace {

namespace detail {
template <class R>
class awaited_reply;
template <class R>
class inline_reply;
template <class R>
class scheduled_reply;
}  // namespace detail

/// The reply to a call that may not have come yet. Dropping it is giving up. Not thread-safe; may
/// be handed to another thread.
template <class R>
class [[nodiscard]] async_reply {
 public:
  using result_type = result<R, command_error>;

  async_reply(async_reply&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)), id_(other.id_),
        not_enqueued_(std::exchange(other.not_enqueued_, false)) {}
  async_reply& operator=(async_reply&& other) noexcept {
    async_reply dropped(std::move(*this));
    slot_ = std::exchange(other.slot_, nullptr);
    id_ = other.id_;
    not_enqueued_ = std::exchange(other.not_enqueued_, false);
    return *this;
  }
  ~async_reply() {
    if (slot_ != nullptr) {
      detail::reply_slot<R>::leave(slot_);
    }
  }

  [[nodiscard]] call_id id() const noexcept { return id_; }

  /// Whether try_take() has something to give now.
  [[nodiscard]] bool ready() const noexcept {
    return slot_ == nullptr ? not_enqueued_ : slot_->is_settled();
  }

  /// Waits until ready(), which is returned, but no longer than the given time or until a stop is
  /// asked for. The reply may still be awaited afterwards.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds time, const std::stop_token& stop = {}) {
    return wait_until(detail::deadline_after(time), stop);
  }
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point deadline,
                                const std::stop_token& stop = {}) {
    return slot_ == nullptr ? not_enqueued_ : detail::await_settled(*slot_, deadline, stop);
  }

  /// The reply, or why there will be none; nothing, if it has not come yet or was taken before.
  [[nodiscard]] std::optional<result_type> try_take() {
    return ready() ? std::optional(take()) : std::nullopt;
  }

  /// For coroutines: `co_await std::move(reply).on(where)` is a result_type; if `time` passed
  /// before there was a reply, command_errc::timed_out. The coroutine goes on on the scheduler, or
  /// at once if there is an answer already.
  [[nodiscard]] auto on(const scheduler& where, std::chrono::nanoseconds time = for_ever) && {
    return detail::scheduled_reply<R>(std::move(*this), where, time);
  }
  /// `co_await std::move(reply)`, for those without a scheduler. The coroutine goes on in the
  /// thread that replies, within reply_to(): what it does until it waits again keeps the replier
  /// waiting. It must not be destroyed while somebody may be replying.
  [[nodiscard]] auto operator co_await() && noexcept {
    return detail::inline_reply<R>(std::move(*this));
  }

 private:
  friend detail::awaited_reply<R>;
  friend detail::new_call<R>;

  async_reply(detail::reply_slot<R>* slot, bool enqueued) noexcept
      : slot_(slot), id_(slot->id), not_enqueued_(!enqueued) {
    if (not_enqueued_) {
      detail::reply_slot<R>::leave(std::exchange(slot_, nullptr));
    }
  }

  /// REQUIRES: ready().
  result_type take() {
    if (std::exchange(not_enqueued_, false)) {
      return failure{command_error{command_errc::could_not_enqueue, id_}};
    }
    struct freeing {
      void operator()(detail::reply_slot<R>* slot) { detail::reply_slot<R>::free(slot); }
    };
    const std::unique_ptr<detail::reply_slot<R>, freeing> slot(std::exchange(slot_, nullptr));
    auto& outcome = slot->outcome;
    if (auto* const replied = std::get_if<detail::replied<R>>(&outcome)) {
      return result_type(std::move(replied->value));
    }
    if (auto* const refused = std::get_if<detail::refused>(&outcome)) {
      return failure{command_error{command_errc::failed, id_, std::move(refused->why)}};
    }
    return failure{command_error{command_errc::closed, id_}};
  }

  detail::reply_slot<R>* slot_;
  call_id id_;
  bool not_enqueued_ = false;
};

namespace detail {

/// Both ends of a call that is about to be made.
template <class R>
struct new_call {
  reply_slot<R>* slot = reply_slot<R>::make();

  [[nodiscard]] reply_box<R> box() const noexcept { return reply_box<R>(slot); }
  [[nodiscard]] async_reply<R> reply(bool enqueued) const noexcept {
    return async_reply<R>(slot, enqueued);
  }
};

}  // namespace detail
}  // namespace millrace

#include <millrace/box/detail/awaited_reply.hpp>
