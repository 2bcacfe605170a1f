// Figures as people read them.
#pragma once

#include <cstddef>
#include <string>

#include <fmt/format.h>

namespace bench {

inline std::string bytes(std::size_t size) {
  if (size >= 1 << 20)
    return fmt::format("{} MiB", size >> 20);
  if (size >= 1 << 10)
    return fmt::format("{} KiB", size >> 10);
  return fmt::format("{} B", size);
}

inline std::string duration(double nanoseconds) {
  if (nanoseconds <= 0)
    return "-";
  if (nanoseconds < 1e3)
    return fmt::format("{:.3g} ns", nanoseconds);
  if (nanoseconds < 1e6)
    return fmt::format("{:.3g} us", nanoseconds / 1e3);
  return fmt::format("{:.3g} ms", nanoseconds / 1e6);
}

inline std::string per_second(double count) {
  if (count <= 0)
    return "-";
  if (count < 1e3)
    return fmt::format("{:.0f}/s", count);
  if (count < 1e6)
    return fmt::format("{:.3g} k/s", count / 1e3);
  return fmt::format("{:.3g} M/s", count / 1e6);
}

}  // namespace bench
