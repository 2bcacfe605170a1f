// The names of error codes, and the one shape of all error texts.
#include <millrace/core/error.hpp>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "core/fail.hpp"

namespace millrace {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::invalid_name:
    return "invalid_name";
  case errc::invalid_option:
    return "invalid_option";
  case errc::not_found:
    return "not_found";
  case errc::already_exists:
    return "already_exists";
  case errc::not_a_queue:
    return "not_a_queue";
  case errc::version_mismatch:
    return "version_mismatch";
  case errc::layout_mismatch:
    return "layout_mismatch";
  case errc::option_mismatch:
    return "option_mismatch";
  case errc::protocol_mismatch:
    return "protocol_mismatch";
  case errc::role_taken:
    return "role_taken";
  case errc::too_many_participants:
    return "too_many_participants";
  case errc::wrong_owner:
    return "wrong_owner";
  case errc::permission_denied:
    return "permission_denied";
  case errc::no_space:
    return "no_space";
  case errc::out_of_memory:
    return "out_of_memory";
  case errc::busy:
    return "busy";
  case errc::corrupted:
    return "corrupted";
  case errc::forked:
    return "forked";
  case errc::closed:
    return "closed";
  case errc::system:
    return "system";
  }
  return "unknown";
}

namespace detail {

void fail(errc code, std::string_view queue, std::string_view step, std::string_view why) {
  throw error(code, fmt::format("queue '{}': {}: {}", queue, step, why));
}

void fail_system(int number, std::string_view queue, std::string_view step) {
  errc code = errc::system;
  switch (number) {
  case ENOENT:
  case ENOTDIR:
    code = errc::not_found;
    break;
  case EACCES:
  case EPERM:
  case EROFS:
    code = errc::permission_denied;
    break;
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    code = errc::no_space;
    break;
  case ENOMEM:
    code = errc::out_of_memory;
    break;
  case ELOOP:
  case EISDIR:
  case ENXIO:
    code = errc::not_a_queue;
    break;
  default:
    break;
  }
  fail(code, queue, step, std::generic_category().message(number));
}

}  // namespace detail
}  // namespace millrace
