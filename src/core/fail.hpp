// Throwing millrace::error with a text of one shape: queue '<name or path>': <step>: <why>.
#pragma once

#include <string_view>

#include <millrace/core/error.hpp>

namespace millrace::detail {

[[noreturn, gnu::cold]] void fail(errc code, std::string_view queue, std::string_view step,
                                  std::string_view why);

/// The same with the system's words for `number`, an errno, and the code that fits it best.
[[noreturn, gnu::cold]] void fail_system(int number, std::string_view queue, std::string_view step);

}  // namespace millrace::detail
