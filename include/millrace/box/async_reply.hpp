// async_reply: the reply to a call, with whoever made the call, for as long as it takes.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <variant>

#include <millrace/box/detail/await_reply.hpp>
#include <millrace/box/detail/awaited_reply.hpp>
#include <millrace/box/detail/reply_slot.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/reply.hpp>
#include <millrace/box/result.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/detail/deadline.hpp>

namespace millrace {

/// The reply to a call that may not have come yet. Dropping it is giving up. Not thread-safe; may
/// be handed to another thread.
template <class R>
class [[nodiscard]] async_reply {
 public:
  using result_type = result<R, command_error>;

  async_reply(async_reply&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)), id_(other.id_) {}
  async_reply& operator=(async_reply&& other) noexcept {
    async_reply dropped(std::move(*this));
    slot_ = std::exchange(other.slot_, nullptr);
    id_ = other.id_;
    return *this;
  }
  ~async_reply() {
    if (slot_ != nullptr && !detail::reply_slot<R>::abandon(slot_)) {
      detail::reply_slot<R>::free(slot_);
    }
  }

  [[nodiscard]] call_id id() const noexcept { return id_; }

  /// Whether try_take() has something to give now.
  [[nodiscard]] bool ready() const noexcept { return slot_ != nullptr && slot_->is_settled(); }

  /// Waits until ready(), which is returned, but no longer than the given time or until a stop is
  /// asked for. The reply may still be awaited afterwards.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds time, const std::stop_token& stop = {}) {
    return wait_until(detail::deadline_after(time), stop);
  }
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point deadline,
                                const std::stop_token& stop = {}) {
    return slot_ != nullptr && detail::await_settled(*slot_, deadline, stop);
  }

  /// The reply, or why there will be none; nothing, if it has not come yet or was taken before.
  [[nodiscard]] std::optional<result_type> try_take() {
    return ready() ? std::optional(take()) : std::nullopt;
  }

  /// The reply, or why there will be none; if it has not come yet, gives up with `why`, and whoever
  /// replies later is told that nobody waits. REQUIRES: it has not been taken before.
  [[nodiscard]] result_type take_or_give_up(command_errc why) {
    if (!ready() && detail::reply_slot<R>::abandon(slot_)) {
      slot_ = nullptr;
      return failure{command_error{why, id_}};
    }
    return take();
  }

  /// For coroutines: `co_await std::move(reply).on(where)` is a result_type; if `time` passed
  /// before there was a reply, command_errc::timed_out. The coroutine goes on on the scheduler, or
  /// at once if there is an answer already. The scheduler must last until then.
  [[nodiscard]] auto on(const scheduler& where, std::chrono::nanoseconds time = for_ever) && {
    return detail::scheduled_reply<R>(std::move(*this), where, time);
  }
  auto on(scheduler&& where, std::chrono::nanoseconds time = for_ever) && = delete;
  /// `co_await std::move(reply)`, for those without a scheduler. The coroutine goes on in the
  /// thread that replies, within reply_to(): what it does until it waits again keeps the replier
  /// waiting. It must not be destroyed while somebody may be replying.
  [[nodiscard]] auto operator co_await() && noexcept {
    return detail::inline_reply<R>(std::move(*this));
  }

 private:
  friend detail::awaited_reply<R>;
  friend detail::new_call<R>;

  explicit async_reply(detail::reply_slot<R>* slot) noexcept : slot_(slot), id_(slot->id) {}

  /// REQUIRES: ready().
  result_type take() {
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
    return failure{command_error{std::holds_alternative<detail::not_enqueued>(outcome)
                                     ? command_errc::could_not_enqueue
                                     : command_errc::closed,
                                 id_}};
  }

  detail::reply_slot<R>* slot_;  // none: taken, or moved from
  call_id id_;
};

namespace detail {

/// Both ends of a call that is about to be made.
template <class R>
class new_call {
  reply_slot<R>* const slot_ = reply_slot<R>::make();

 public:
  async_reply<R> reply{slot_};
  reply_box<R> box{slot_};

  /// Instead of an answer.
  static void not_enqueued(reply_box<R>& unsent) noexcept {
    static_cast<void>(unsent.settle(detail::not_enqueued{}));
  }
};

}  // namespace detail
}  // namespace millrace
