// Drawing the bar: percent, bytes, bytes a second, time left.
#include "progress_bar.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "quantities.hpp"
#include "streams.hpp"

namespace millrace::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto quiet_at_first = 500ms;
constexpr auto between_drawings = 100ms;

}  // namespace

progress_bar::progress_bar(std::optional<std::uint64_t> total_bytes)
    : total_(total_bytes.value_or(0)), wanted_(total_ > 0 && errors_go_to_terminal()),
      started_(std::chrono::steady_clock::now()), next_(started_ + quiet_at_first) {}

progress_bar::~progress_bar() {
  if (drawn_) {
    write_error_text("\r\x1b[K");
  }
}

void progress_bar::show(std::uint64_t bytes) {
  if (!wanted_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_) {
    draw(bytes, now);
    next_ = now + between_drawings;
  }
}

void progress_bar::finish() {
  if (drawn_) {
    draw(total_, std::chrono::steady_clock::now());
    write_error_text("\n");
    drawn_ = false;
  }
}

void progress_bar::draw(std::uint64_t bytes, std::chrono::steady_clock::time_point now) {
  bytes = std::min(bytes, total_);  // the file may have grown meanwhile
  const double share = static_cast<double>(bytes) / static_cast<double>(total_);
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double speed = static_cast<double>(bytes) / seconds;
  const std::string figures =
      fmt::format(" {:3.0f}%  {} of {}  {}/s  {:.0f} s left", share * 100, size_text(bytes),
                  size_text(total_), size_text(static_cast<std::uint64_t>(speed)),
                  speed > 0 ? static_cast<double>(total_ - bytes) / speed : 0);
  const std::size_t width = terminal_width();
  std::string line = "\r";
  if (width > figures.size() + 13) {
    const std::size_t cells = std::min<std::size_t>(width - figures.size() - 3, 40);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(cells));
    line += fmt::format("[{}{}]", std::string(full, '#'), std::string(cells - full, '.'));
  }
  line += figures.substr(0, width > 1 ? width - 1 : 0);
  write_error_text(line + "\x1b[K");
  drawn_ = true;
}

}  // namespace millrace::cli
