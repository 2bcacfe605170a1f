// millrace::error: what is thrown when something cannot be set up, is misused, or makes no sense.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace millrace {

enum class errc {
  invalid_name,       // not 1 to 200 bytes of letters, digits, '.', '_', '-', or starts with '.'
  invalid_option,     // an option's value is impossible
  not_found,          // no queue of that name
  already_exists,     // create_only, and there is one
  not_a_queue,        // a file that millrace did not make, a link, a directory, a cut-off file
  version_mismatch,   // made by another format version
  layout_mismatch,    // made by a build with other sizes or offsets
  option_mismatch,    // the queue has other parameters than the options ask for
  protocol_mismatch,  // a service has other commands than its client, or their shapes differ
  role_taken,         // the role is exclusive and another live handle has it
  too_many_participants,  // every place in the queue's participant table is held by a live handle
  wrong_owner,            // the file belongs to another user and the options do not allow that
  permission_denied,      // the system refused access
  no_space,               // the file system has no room for the queue
  out_of_memory,          // no memory or address space for the mapping
  busy,       // another process is in the middle of removing this name and does not go on
  corrupted,  // the shared memory holds values that no correct process writes
  forked,     // a handle was used in a child process; it belongs to the parent
  closed,     // a handle was moved from, or a loan outlived its handle
  system,     // any other failure of the operating system; the text names it
};

/// The enumerator's name, for messages to people.
[[nodiscard]] std::string_view to_string(errc code) noexcept;

/// Thrown by constructors and by misuse, never for full, empty, timeout and the like. what() says
/// which queue, at which step, what was expected and what was found.
class error : public std::runtime_error {
 public:
  error(errc code, const std::string& what) : std::runtime_error(what), code_(code) {}

  [[nodiscard]] errc code() const noexcept { return code_; }

 private:
  errc code_;
};

}  // namespace millrace
