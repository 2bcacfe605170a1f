// Certificates, keys, and what makes a peer trusted.
#include "link/tls_context.hpp"

#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <system_error>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <millrace/core/error.hpp>

namespace millrace::detail {

namespace {

namespace ssl = boost::asio::ssl;

error trouble(errc code, std::string_view why) {
  return {code, fmt::format("link: TLS: {}", why)};
}

/// The file's name, if it can be read; OpenSSL does not say why it cannot.
std::string readable(const char* what, const std::filesystem::path& file) {
  std::FILE* const opened = std::fopen(file.c_str(), "rb");
  if (opened == nullptr) {
    const int number = errno;
    throw trouble(number == EACCES ? errc::permission_denied : errc::invalid_option,
                  fmt::format("cannot read the {} '{}': {}", what, file.string(),
                              std::generic_category().message(number)));
  }
  std::fclose(opened);
  return file.string();
}

void check(const char* what, const std::filesystem::path& file,
           const boost::system::error_code& ec) {
  if (ec) {
    throw trouble(errc::invalid_option,
                  fmt::format("the {} '{}' is not usable: {}", what, file.string(), ec.message()));
  }
}

}  // namespace

tls_context::tls_context(const tls_options& options, bool listens)
    : asks_clients_(!options.ca.empty()) {
  if (options.certificate.empty() != options.key.empty()) {
    throw trouble(errc::invalid_option, "a certificate and its key go together");
  }
  if (listens && options.certificate.empty()) {
    throw trouble(errc::invalid_option, "who listens needs a certificate and its key");
  }
  SSL_CTX* const raw = context_.native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  // Nothing is left over from one connection to the next, and nothing is done over within one.
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);  // of connections at rest
  SSL_CTX_set_mode(raw, SSL_MODE_NO_AUTO_CHAIN);    // show what the file has, and no more
  // Without this the terminal is asked for the password of an encrypted key.
  SSL_CTX_set_default_passwd_cb(raw, [](char*, int, int, void*) { return 0; });

  boost::system::error_code ec;
  if (!options.certificate.empty()) {
    context_.use_certificate_chain_file(readable("certificate", options.certificate), ec);
    check("certificate", options.certificate, ec);
    context_.use_private_key_file(readable("key", options.key), ssl::context::pem, ec);
    check("key", options.key, ec);
  }
  if (options.ca.empty()) {
    context_.set_default_verify_paths(ec);
  } else {
    context_.load_verify_file(readable("CA", options.ca), ec);
  }
  check("CA", options.ca, ec);
}

ssl_ptr tls_context::new_ssl() {
  ssl_ptr made(SSL_new(context_.native_handle()));
  if (!made) {
    throw std::bad_alloc();
  }
  return made;
}

std::unique_ptr<tls_session> tls_context::accept() {
  ssl_ptr made = new_ssl();
  SSL_set_accept_state(made.get());
  SSL_set_verify(
      made.get(),
      asks_clients_ ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, nullptr);
  return std::make_unique<tls_session>(std::move(made));
}

std::unique_ptr<tls_session> tls_context::connect(std::string_view host) {
  ssl_ptr made = new_ssl();
  SSL_set_connect_state(made.get());
  SSL_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM* const expected = SSL_get0_param(made.get());
  // Names are those that the certificate is for; its subject may be called whatever it likes.
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const std::string name(host);
  boost::system::error_code no_number;
  const auto number = boost::asio::ip::make_address(name, no_number);
  const auto expect = [&](const auto& bytes) {
    return X509_VERIFY_PARAM_set1_ip(expected, bytes.data(), bytes.size());
  };
  const int done = no_number ? X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size())
                   : number.is_v4() ? expect(number.to_v4().to_bytes())
                                    : expect(number.to_v6().to_bytes());
  if (done != 1 || (no_number && SSL_set_tlsext_host_name(made.get(), name.c_str()) != 1)) {
    throw std::bad_alloc();
  }
  return std::make_unique<tls_session>(std::move(made));
}

}  // namespace millrace::detail
