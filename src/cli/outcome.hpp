// How a verb ends: the exit codes, and the exceptions that carry the one line said on the way out.
#pragma once

#include <stdexcept>
#include <string>

#include <millrace/core/error.hpp>

namespace millrace::cli {

enum class exit_code : int {
  ok = 0,
  failed = 1,
  usage = 2,
  timed_out = 3
};

/// Ends the command with this code; what() says what went wrong and what to do, in one line.
class failure : public std::runtime_error {
 public:
  failure(exit_code code, const std::string& what) : std::runtime_error(what), code_(code) {}

  [[nodiscard]] exit_code code() const noexcept { return code_; }

 private:
  exit_code code_;
};

/// Standard output was closed by its reader. The command ends at once and says nothing, as every
/// Unix tool does before `| head`.
struct output_closed {};

/// A signal asked the command to end while it waited.
struct interrupted {};

/// The library's own words with the way out added.
[[nodiscard]] failure explain(const error& e);

/// Says it on standard error: one line, whatever bytes a name in it may have. Returns its code.
exit_code report(const failure& problem);

}  // namespace millrace::cli
