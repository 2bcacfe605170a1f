// Checking which error an expression throws, and what it says.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <millrace/core/error.hpp>

#include "support/printing.hpp"

namespace test {

struct caught {
  std::optional<millrace::errc> code;
  std::string text;

  [[nodiscard]] bool says(std::string_view part) const {
    return text.find(part) != std::string::npos;
  }
};

/// What `action` throws; no code when it throws nothing. Other exceptions pass.
template <class Action>
caught error_of(Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const millrace::error& problem) {
    return {problem.code(), problem.what()};
  }
  return {};
}

}  // namespace test

/// The expression throws millrace::error with this code.
#define CHECK_ERROR(error_code, ...)                                                               \
  do {                                                                                             \
    const auto caught_here = ::test::error_of([&] { static_cast<void>(__VA_ARGS__); });            \
    INFO("said: ", caught_here.text);                                                              \
    REQUIRE_MESSAGE(caught_here.code.has_value(), "no error from " #__VA_ARGS__);                  \
    CHECK(*caught_here.code == error_code);                                                        \
  } while (false)
