// What all TLS connections of a link have in common.
#pragma once

#include <memory>
#include <string_view>

#include <boost/asio/ssl/context.hpp>

#include <millrace/link/tls_options.hpp>

#include "link/tls_session.hpp"

namespace millrace::detail {

class tls_context {
 public:
  /// Reads the files. Throws millrace::error.
  tls_context(const tls_options& options, bool listens);

  // Both throw std::bad_alloc.

  /// The end that is connected to.
  [[nodiscard]] std::unique_ptr<tls_session> accept();
  /// The end that connects to this host, a name or a number.
  [[nodiscard]] std::unique_ptr<tls_session> connect(std::string_view host);

 private:
  [[nodiscard]] ssl_ptr new_ssl();

  boost::asio::ssl::context context_{boost::asio::ssl::context::tls};
  bool asks_clients_;  // who they are
};

}  // namespace millrace::detail
