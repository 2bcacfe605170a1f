// The two ends of a call on its way: async_reply, with whoever made it, and reply_box, with whoever
// is to answer it. A call is answered exactly once: by a reply, by a failure, or, if the reply_box
// goes away unused, by that.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/box/detail/await_reply.hpp>
#include <millrace/box/detail/reply_slot.hpp>
#include <millrace/box/result.hpp>

namespace millrace {

enum class command_errc {
  could_not_enqueue,  // the box did not take the message: full for too long, or closed
  failed,             // whoever handled it said so: fail(), or an exception left the handler
  timed_out,          // the given time passed first; a later reply goes nowhere
  cancelled,          // the given stop_token was asked to stop first; likewise
  closed,             // nobody will reply: the box was closed with the call in it, or the reply_box
                      // was dropped
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(command_errc code) noexcept {
  switch (code) {
  case command_errc::could_not_enqueue:
    return "could_not_enqueue";
  case command_errc::failed:
    return "failed";
  case command_errc::timed_out:
    return "timed_out";
  case command_errc::cancelled:
    return "cancelled";
  case command_errc::closed:
    return "closed";
  }
  return "unknown";
}

/// Why a call has no reply.
struct command_error {
  command_errc code;
  call_id id;
  std::string why = {};  // what the handler said, if it failed
};

enum class [[nodiscard]] reply_status{
    replied,          // the caller has it
    abandoned,        // nobody waits for it any more
    duplicate_reply,  // this reply_box has answered before, or was moved from: nothing was sent
};

template <class R>
class async_reply;
namespace detail {
template <class R>
struct new_call;
inline constexpr const char* handler_threw = "handler threw";
}  // namespace detail

/// The right and the duty to answer one call, once. Dropped without an answer it ends the call at
/// once: with command_errc::failed if an exception is passing by, else with command_errc::closed.
/// Not thread-safe; may be handed to another thread.
template <class R>
class [[nodiscard]] reply_box {
 public:
  using reply_type = R;

  reply_box(reply_box&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  reply_box& operator=(reply_box&& other) noexcept {
    reply_box dropped(std::move(*this));
    slot_ = std::exchange(other.slot_, nullptr);
    return *this;
  }
  ~reply_box() {
    if (slot_ == nullptr) {
      return;
    }
    if (std::uncaught_exceptions() != 0) {
      static_cast<void>(fail(*this, detail::handler_threw));
    } else {
      static_cast<void>(settle<detail::dropped>());
    }
  }

  /// The number of the call; nobody's, if this box has answered it or was moved from.
  [[nodiscard]] call_id id() const noexcept { return slot_ == nullptr ? call_id() : slot_->id; }

  /// The caller's `call` returns the value.
  friend reply_status reply_to(reply_box& box,
                               detail::value_or_nothing<R> value = {}) requires std::is_void_v<R> {
    return box.template settle<detail::replied<R>>(std::move(value));
  }
  friend reply_status reply_to(reply_box& box,
                               detail::value_or_nothing<R> value) requires(!std::is_void_v<R>) {
    return box.template settle<detail::replied<R>>(std::move(value));
  }
  /// The caller's `call` returns command_errc::failed with the reason.
  friend reply_status fail(reply_box& box, std::string why) {
    return box.template settle<detail::refused>(std::move(why));
  }

 private:
  friend detail::new_call<R>;

  explicit reply_box(detail::reply_slot<R>* slot) noexcept : slot_(slot) {}

  template <class Outcome, class... Parts>
  reply_status settle(Parts&&... parts) {
    if (slot_ == nullptr) {
      return reply_status::duplicate_reply;
    }
    // If this throws the call is still to be answered.
    slot_->outcome.template emplace<Outcome>(std::forward<Parts>(parts)...);
    return detail::reply_slot<R>::settle(std::exchange(slot_, nullptr)) ? reply_status::replied
                                                                        : reply_status::abandoned;
  }

  detail::reply_slot<R>* slot_;
};

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

  /// For coroutines: `co_await std::move(reply)` is a result_type. The coroutine goes on in the
  /// thread that replies, within reply_to(): what it does until it waits again keeps the replier
  /// waiting. It must not be destroyed while somebody may reply.
  [[nodiscard]] auto operator co_await() && noexcept { return awaiter(std::move(*this)); }

 private:
  class awaiter;
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

template <class R>
class async_reply<R>::awaiter : detail::waiter {
 public:
  explicit awaiter(async_reply&& reply) noexcept
      : waiter{[](waiter& w) noexcept { static_cast<awaiter&>(w).caller_.resume(); }},
        reply_(std::move(reply)) {}

  [[nodiscard]] bool await_ready() const noexcept { return reply_.ready(); }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> caller) noexcept {
    caller_ = caller;
    return reply_.slot_->wait_by(*this);  // if so, the caller may be running already
  }
  [[nodiscard]] result_type await_resume() { return reply_.take(); }

 private:
  async_reply reply_;
  std::coroutine_handle<> caller_;
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
