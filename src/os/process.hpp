// Processes.
#pragma once

#include <cstdint>

namespace millrace::os {

/// Its number, in its own namespace: something to show to people, never proof of who is alive.
[[nodiscard]] std::uint32_t process_number() noexcept;

/// Whether the process of this number in the caller's namespace is stopped, by a signal or a
/// debugger. Something to show to people as well.
[[nodiscard]] bool process_stopped(std::uint32_t number);

}  // namespace millrace::os
