// cnats with owners for its objects and an exception for its errors.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nats/nats.h>

#include <millrace/core/error.hpp>

namespace millrace::detail {

struct cnats_destroy {
  void operator()(natsOptions* o) const noexcept { natsOptions_Destroy(o); }
  void operator()(natsConnection* c) const noexcept { natsConnection_Destroy(c); }
  void operator()(natsSubscription* s) const noexcept { natsSubscription_Destroy(s); }
  void operator()(natsMsg* m) const noexcept { natsMsg_Destroy(m); }
  void operator()(natsInbox* i) const noexcept { natsInbox_Destroy(i); }
  void operator()(jsCtx* j) const noexcept { jsCtx_Destroy(j); }
  void operator()(jsStreamInfo* i) const noexcept { jsStreamInfo_Destroy(i); }
  void operator()(jsConsumerInfo* i) const noexcept { jsConsumerInfo_Destroy(i); }
  void operator()(jsMsgMetaData* d) const noexcept { jsMsgMetaData_Destroy(d); }
};
template <class T>
using owned = std::unique_ptr<T, cnats_destroy>;

/// What ends a session. `lasting`: trying again is pointless as long as nobody changes anything, so
/// that a bridge that has never worked gives up and throws error(code).
class trouble : public std::runtime_error {
 public:
  explicit trouble(const std::string& what) : std::runtime_error(what) {}
  trouble(errc c, const std::string& what) : std::runtime_error(what), lasting(true), code(c) {}

  bool lasting = false;
  errc code = errc::system;
};

/// The status in words, with what cnats has to add about this thread's last call.
[[nodiscard]] inline std::string explain(natsStatus s) {
  natsStatus last = NATS_OK;
  const char* detail = nats_GetLastError(&last);
  return last == s && detail != nullptr && *detail != '\0'
             ? fmt::format("{} ({})", natsStatus_GetText(s), detail)
             : natsStatus_GetText(s);
}

/// Throws trouble unless `s` is NATS_OK.
inline void check(natsStatus s, std::string_view step) {
  switch (s) {
  case NATS_OK:
    return;
  case NATS_CONNECTION_AUTH_FAILED:
  case NATS_NOT_PERMITTED:
  case NATS_SSL_ERROR:
  case NATS_SECURE_CONNECTION_REQUIRED:
  case NATS_SECURE_CONNECTION_WANTED:
    throw trouble(errc::permission_denied, fmt::format("{}: {}", step, explain(s)));
  default:
    throw trouble(fmt::format("{}: {}", step, explain(s)));
  }
}

}  // namespace millrace::detail
