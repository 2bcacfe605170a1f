// What an item answered, or why it did not: a value of the type that its member function returns,
// with the id of the item.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <millrace/core/error.hpp>
#include <millrace/pool/detail/member_function.hpp>

namespace millrace {

/// Which item: chosen by the user, unique within a pool.
using item_id = std::uint64_t;

enum class [[nodiscard]] item_status{
    ok,              // answered
    unknown_id,      // there is no item of this id
    already_exists,  // init: there is an item of this id; it stays as it is
    closed,          // the pool was shut down before
    would_deadlock,  // an item would wait for the thread that it runs on
    threw,           // the item threw, or, init: its constructor; response.exception() has what
};

/// The enumerator's name, for messages to people.
[[nodiscard]] constexpr std::string_view to_string(item_status s) noexcept {
  switch (s) {
  case item_status::ok:
    return "ok";
  case item_status::unknown_id:
    return "unknown_id";
  case item_status::already_exists:
    return "already_exists";
  case item_status::closed:
    return "closed";
  case item_status::would_deadlock:
    return "would_deadlock";
  case item_status::threw:
    return "threw";
  }
  return "unknown";
}

/// What all responses are. `R`: the type of the answer, or void.
template <class R>
class [[nodiscard]] item_answer {
  using stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

 public:
  using value_type = R;

  /// An answer, made of `args`.
  template <class... Args>
  requires std::is_constructible_v<stored, Args...> item_answer(item_id id, std::in_place_t,
                                                                Args&&... args)
      : id_(id), content_(std::in_place_index<0>, std::forward<Args>(args)...) {}
  /// None, and why.
  item_answer(item_id id, item_status why) noexcept : id_(id), content_(failure{why, nullptr}) {}
  item_answer(item_id id, std::exception_ptr thrown) noexcept
      : id_(id), content_(failure{item_status::threw, std::move(thrown)}) {}

  [[nodiscard]] item_id id() const noexcept { return id_; }
  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  [[nodiscard]] item_status status() const noexcept {
    return ok() ? item_status::ok : std::get_if<1>(&content_)->why;
  }
  /// What the item threw, if it did.
  [[nodiscard]] std::exception_ptr exception() const noexcept {
    return ok() ? nullptr : std::get_if<1>(&content_)->thrown;
  }

  /// The answer. If there is none, throws what the item threw, or else millrace::error:
  /// errc::not_found (unknown_id), already_exists, closed, busy (would_deadlock).
  std::add_lvalue_reference_t<R> value() & {
    check();
    if constexpr (!std::is_void_v<R>) {
      return *std::get_if<0>(&content_);
    }
  }
  std::add_lvalue_reference_t<const R> value() const& {
    check();
    if constexpr (!std::is_void_v<R>) {
      return *std::get_if<0>(&content_);
    }
  }
  R value() && {
    check();
    if constexpr (!std::is_void_v<R>) {
      return std::move(*std::get_if<0>(&content_));
    }
  }

 private:
  struct failure {
    item_status why;
    std::exception_ptr thrown;
  };

  void check() const {
    if (ok()) {
      return;
    }
    if (exception()) {
      std::rethrow_exception(exception());
    }
    throw error(code(), "item " + std::to_string(id_) + ": " + std::string(to_string(status())));
  }
  [[nodiscard]] errc code() const noexcept {
    switch (status()) {
    case item_status::unknown_id:
      return errc::not_found;
    case item_status::already_exists:
      return errc::already_exists;
    case item_status::would_deadlock:
      return errc::busy;
    default:
      return errc::closed;
    }
  }

  item_id id_;
  std::variant<stored, failure> content_;
};

/// To request<F>. The result of a member function that returns a reference is copied, as what it
/// refers to stays with the item.
template <auto F>
struct response : item_answer<detail::result_of<F>> {
  using item_answer<detail::result_of<F>>::item_answer;
};

struct init_response : item_answer<void> {
  using item_answer<void>::item_answer;
};

/// ok: the item existed, and is gone.
struct remove_response : item_answer<void> {
  using item_answer<void>::item_answer;
};

/// What an item said when its pool was shut down: the result of its member function shutdown(), if
/// it has one.
template <class Item>
struct shutdown_response : item_answer<void> {
  using item_answer<void>::item_answer;
};
template <class Item>
requires requires(Item& item) {
  item.shutdown();
}
struct shutdown_response<Item>
    : item_answer<std::remove_cvref_t<decltype(std::declval<Item&>().shutdown())>> {
  using shutdown_response::item_answer::item_answer;
};

}  // namespace millrace
