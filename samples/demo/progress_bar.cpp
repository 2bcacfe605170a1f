// Drawing the progress bar.
#include "progress_bar.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>
#include <unistd.h>

namespace sample {

progress_bar::progress_bar(std::uint64_t total_bytes)
    : total_(std::max<std::uint64_t>(total_bytes, 1)), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress_bar::~progress_bar() {
  if (terminal_)
    std::fputs("\r\033[K", stderr);
}

void progress_bar::show(std::uint64_t bytes, std::uint64_t messages) {
  constexpr std::uint64_t width = 40;
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_)
    return;
  next_ = now + std::chrono::milliseconds(100);
  const std::uint64_t part = std::min(bytes, total_);
  fmt::print(stderr, "\r[{:-<{}}] {:3}%  {} of {} MB  {} messages",
             std::string(part * width / total_, '#'), width, part * 100 / total_,
             grouped(bytes / 1'000'000), grouped(total_ / 1'000'000), grouped(messages));
  std::fflush(stderr);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

}  // namespace sample
