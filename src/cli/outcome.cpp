// What to do about each error of the library, in words of the command line.
#include "outcome.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "streams.hpp"

namespace millrace::cli {

namespace {

std::string_view advice(errc code) {
  switch (code) {
  case errc::invalid_name:
    return "choose a name of 1 to 200 letters, digits, '.', '_' or '-' that starts with no '.'";
  case errc::invalid_option:
    return "see --help for what the option takes";
  case errc::not_found:
    return "check the name and --directory: 'millrace list' shows what is there, 'millrace create' "
           "makes a queue";
  case errc::already_exists:
    return "choose another name, or 'millrace remove' it first";
  case errc::not_a_queue:
    return "choose another name, or move that file away";
  case errc::version_mismatch:
  case errc::layout_mismatch:
    return "use the millrace that made it, or 'millrace remove' it";
  case errc::option_mismatch:
    return "leave the option out to take the queue as it is";
  case errc::role_taken:
    return "end that process first; 'millrace stat' names it";
  case errc::too_many_participants:
    return "end some of the processes that 'millrace stat' names";
  case errc::wrong_owner:
    return "add --permissions 0660 if you trust its owner, who must have created it with that";
  case errc::permission_denied:
    return "check who owns that file, or the directory and the queue's file";
  case errc::no_space:
    return "choose a smaller --capacity or another --directory";
  case errc::out_of_memory:
    return "choose a smaller --capacity";
  case errc::busy:
    return "try again";
  case errc::corrupted:
    return "'millrace remove' it and create it anew";
  case errc::protocol_mismatch:
  case errc::forked:
  case errc::closed:
  case errc::system:
    return {};
  }
  return {};
}

}  // namespace

failure explain(const error& e) {
  const bool usage = e.code() == errc::invalid_name || e.code() == errc::invalid_option;
  const std::string_view what_to_do = advice(e.code());
  return {usage ? exit_code::usage : exit_code::failed,
          what_to_do.empty() ? std::string(e.what()) : fmt::format("{}; {}", e.what(), what_to_do)};
}

exit_code report(const failure& problem) {
  std::string line = fmt::format("millrace: {}", problem.what());
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  write_error_text(line + '\n');
  return problem.code();
}

}  // namespace millrace::cli
