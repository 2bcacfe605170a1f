// result<R, E>: a value, or why there is none. What C++23 calls std::expected, as far as it is
// needed here.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace millrace {

/// Makes a result that has no value: `return failure{error};`
template <class E>
struct failure {
  E error;
};
template <class E>
failure(E) -> failure<E>;

/// Thrown by result::value() if there is none.
template <class E>
class bad_result_access : public std::exception {
 public:
  explicit bad_result_access(E error) : error_(std::move(error)) {}
  [[nodiscard]] const E& error() const noexcept { return error_; }
  [[nodiscard]] const char* what() const noexcept override {
    return "a result has an error and no value";
  }

 private:
  E error_;
};

/// R may be void.
template <class R, class E>
class [[nodiscard]] result {
  using held = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

 public:
  result() requires std::is_void_v<R> : state_(std::in_place_index<0>) {}
  result(held value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure<E> why) : state_(std::in_place_index<1>, std::move(why.error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// REQUIRES: has_value().
  [[nodiscard]] held& operator*() & noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] const held& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] held&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] held* operator->() noexcept { return std::get_if<0>(&state_); }
  [[nodiscard]] const held* operator->() const noexcept { return std::get_if<0>(&state_); }

  /// The value. Throws bad_result_access<E> if there is none.
  held& value() & { return must_have_value(), **this; }
  const held& value() const& { return must_have_value(), **this; }
  held&& value() && { return must_have_value(), *std::move(*this); }

  /// REQUIRES: !has_value().
  [[nodiscard]] const E& error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  void must_have_value() const {
    if (!has_value()) {
      throw bad_result_access<E>(error());
    }
  }

  std::variant<held, E> state_;
};

}  // namespace millrace
