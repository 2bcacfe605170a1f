// The calling process.
#pragma once

#include <cstdint>

namespace millrace::os {

/// Its number, in its own namespace: something to show to people, never proof of who is alive.
[[nodiscard]] std::uint32_t process_number() noexcept;

}  // namespace millrace::os
