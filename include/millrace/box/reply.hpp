// The answer to a call: a value, or why there is none; and reply_box, with whoever is to answer. A
// call is answered exactly once: by a reply, by a failure, or, if the reply_box goes away unused,
// by that.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/box/detail/reply_slot.hpp>

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

namespace detail {
template <class R>
class new_call;
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
      static_cast<void>(settle(detail::dropped{}));
    }
  }

  /// The number of the call; nobody's, if this box has answered it or was moved from.
  [[nodiscard]] call_id id() const noexcept { return slot_ == nullptr ? call_id() : slot_->id; }

  /// The caller's `call` returns the value.
  friend reply_status reply_to(reply_box& box,
                               detail::value_or_nothing<R> value = {}) requires std::is_void_v<R> {
    return box.settle(detail::replied<R>{std::move(value)});
  }
  friend reply_status reply_to(reply_box& box,
                               detail::value_or_nothing<R> value) requires(!std::is_void_v<R>) {
    return box.settle(detail::replied<R>{std::move(value)});
  }
  /// The caller's `call` returns command_errc::failed with the reason.
  friend reply_status fail(reply_box& box, std::string why) {
    return box.settle(detail::refused{std::move(why)});
  }

 private:
  friend detail::new_call<R>;

  explicit reply_box(detail::reply_slot<R>* slot) noexcept : slot_(slot) {}

  template <class Outcome>
  reply_status settle(Outcome outcome) {
    if (slot_ == nullptr) {
      return reply_status::duplicate_reply;
    }
    // If this throws the call is still to be answered.
    slot_->outcome.template emplace<Outcome>(std::move(outcome));
    return detail::reply_slot<R>::settle(std::exchange(slot_, nullptr)) ? reply_status::replied
                                                                        : reply_status::abandoned;
  }

  detail::reply_slot<R>* slot_;
};

}  // namespace millrace
