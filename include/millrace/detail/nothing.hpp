// nothing<T>(): std::optional<T>() for where speed counts. With g++ 12, a variable made by the
// latter is filled with zeros, room for the T and all, which for a few hundred bytes takes longer
// than passing a message; what a function returned as std::nullopt is not.
#pragma once

#include <optional>

namespace millrace::detail {

template <class T>
[[nodiscard]] inline std::optional<T> nothing() noexcept {
  return std::nullopt;
}

}  // namespace millrace::detail
