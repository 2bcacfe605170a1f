// Where queues live that name no directory.
#pragma once

#include <filesystem>

namespace millrace::os {

/// A place in shared memory for the calling user alone, else in the temporary directory.
[[nodiscard]] std::filesystem::path default_directory();

}  // namespace millrace::os
