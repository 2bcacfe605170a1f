// The steps that a schedule consists of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::interleaving {

enum class kind : std::uint8_t {
  step,
  kill,
  freeze,
  rebirth,
  hint_fall
};

struct move {
  kind what;
  std::uint8_t who;
  std::uint8_t answer;  // step: which option
  /// Whether this interrupts a process that could go on.
  bool preempts;
};

/// All that can happen next. `last`: who made the latest step. `preemptions`: how many more are
/// allowed; negative: any number.
///
/// A kill or a freeze is offered only where the process is about to change something. Striking it
/// before a read comes to the same as letting it read and striking it then, since nobody notices a
/// read. (Who is struck where it has nothing to do leaves nothing behind.)
void collect(std::vector<move>& into, unsigned last, int preemptions);

void make(const move& m);

[[nodiscard]] std::string to_string(const move& m);
[[nodiscard]] std::string to_string(const std::vector<move>& schedule);
/// The schedule that to_string wrote; nothing if it makes no sense.
[[nodiscard]] std::optional<std::vector<move>> parse(std::string_view schedule);

}  // namespace millrace::interleaving
