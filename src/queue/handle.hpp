// What all handles and loans check before they do anything.
#pragma once

#include <string>
#include <string_view>

#include "core/fail.hpp"

namespace millrace::detail {

/// The core behind a handle or loan; throws errc::closed if there is none any more.
template <class Core>
[[nodiscard]] Core& checked(Core* core, std::string_view what) {
  if (core == nullptr) [[unlikely]] {
    fail(errc::closed, "", std::string("using ").append(what),
         "it was moved from, or has ended already");
  }
  return *core;
}

}  // namespace millrace::detail
