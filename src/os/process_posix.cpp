// Processes on POSIX; their states from /proc, where there is one.
#include "os/process.hpp"

#include <fstream>
#include <string>

#include <unistd.h>

#include <fmt/format.h>

namespace millrace::os {

std::uint32_t process_number() noexcept {
  return static_cast<std::uint32_t>(::getpid());
}

bool process_stopped(std::uint32_t number) {
  std::ifstream file(fmt::format("/proc/{}/stat", number));
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // the name before it may hold anything
  const auto letter = name_end == std::string::npos ? name_end : name_end + 2;
  return letter < text.size() && (text[letter] == 'T' || text[letter] == 't');
}

}  // namespace millrace::os
