// What all handles and loans check before they do anything.
#pragma once

#include <string>
#include <string_view>

#include "core/fail.hpp"

namespace millrace::detail {

[[noreturn, gnu::cold]] inline void fail_closed(std::string_view what) {
  fail(errc::closed, "", std::string("using ").append(what),
       "it was moved from, or has ended already");
}

/// The core behind a handle or loan; throws errc::closed if there is none any more.
template <class Core>
[[nodiscard]] Core& checked(Core* core, std::string_view what) {
  if (core == nullptr) [[unlikely]] {
    fail_closed(what);
  }
  return *core;
}

}  // namespace millrace::detail
