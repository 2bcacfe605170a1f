// Sizes, durations and times as people write and read them: 64KiB, 250ms, 1,000,000.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::cli {

/// 4096, 64KiB, 16MiB, 1GiB; K, M and G mean the same as KiB, MiB and GiB. Nothing: not a size.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// 5s, 0.5s, 250ms, 100us, 2m, 1h; a bare number counts seconds. Nothing: not a duration, or one
/// of more than ten years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// 1234567 -> 1,234,567
[[nodiscard]] std::string with_commas(std::uint64_t number);

/// 65536 -> 64 KiB, 1500 -> 1.5 KiB
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// 2026-01-31T23:59:59.123Z
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace millrace::cli
