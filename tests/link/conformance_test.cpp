// The conformance suite on links: what was acknowledged counts as enqueued.
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <millrace/link/tcp_ends.hpp>

#include "conformance/suite.hpp"
#include "link/certificates.hpp"

namespace {

class link_pair {
 public:
  using sink_type = millrace::tcp_sink;
  using source_type = millrace::tcp_source;
  static constexpr bool bounded = false;
  static constexpr bool in_place = false;

  struct variant {
    std::string name;
    std::string address;
    std::optional<millrace::tls_options> tls;
  };
  static std::vector<variant> variants() {
    static const test::scratch place;
    static const test::authority ca(place);
    return {{"IPv4", "127.0.0.1:0", {}}, {"IPv6", "[::1]:0", {}}, {"TLS", "127.0.0.1:0", ca.tls()}};
  }

  explicit link_pair(const variant& v)
      : there_({.address = v.address, .tls = v.tls, .max_message_size = 100'000}),
        here_({.address = "", .tls = v.tls, .max_message_size = 100'000}),
        sink_(here_, there_.address()), source_(there_) {}

  sink_type& sink() { return sink_; }
  source_type& source() { return source_; }
  static std::size_t largest() { return 100'000; }
  static std::size_t room() { return 1000; }
  static std::vector<std::size_t> edges() { return {255 - 8, 255, 65'535 - 8, 65'535}; }

 private:
  millrace::tcp_link there_;
  millrace::tcp_link here_;
  sink_type sink_;
  source_type source_;
};

}  // namespace

MILLRACE_CONFORMANCE(link_pair);
