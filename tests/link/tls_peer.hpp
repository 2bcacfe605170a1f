// What a link with TLS talks to in tests: OpenSSL itself, on a bare socket that blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "link/certificates.hpp"
#include "link/peers.hpp"

namespace test {

class tls_peer {
 public:
  /// Connects, showing this certificate and believing everything.
  tls_peer(raw_peer wire, const identity& own, int latest_version = TLS1_3_VERSION)
      : wire_(std::move(wire)), context_(SSL_CTX_new(TLS_client_method())),
        ssl_(new_ssl(context_.get(), own, latest_version)) {
    SSL_set_fd(ssl_.get(), wire_.descriptor());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] SSL* native() const { return ssl_.get(); }
  bool write(std::string_view text) const {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  /// So many bytes, or fewer if the other end has ended.
  [[nodiscard]] std::string read(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const int n = SSL_read(ssl_.get(), text.data() + got, static_cast<int>(size - got));
      if (n <= 0) {
        break;
      }
      got += static_cast<std::size_t>(n);
    }
    text.resize(got);
    return text;
  }
  /// That nothing more will come.
  void say_goodbye() const { SSL_shutdown(ssl_.get()); }
  [[nodiscard]] bool heard_goodbye() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  /// Past TLS.
  [[nodiscard]] const raw_peer& wire() const { return wire_; }
  /// The connection stays, though nobody can speak TLS on it any more.
  [[nodiscard]] raw_peer release() { return std::move(wire_); }

 private:
  struct freed {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  static SSL* new_ssl(SSL_CTX* context, const identity& own, int latest_version) {
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, latest_version);
    SSL_CTX_set_security_level(context, 0);  // also for what nobody should use any more
    REQUIRE(SSL_CTX_use_certificate_chain_file(context, own.certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context, own.key.c_str(), SSL_FILETYPE_PEM) == 1);
    return SSL_new(context);
  }

  raw_peer wire_;
  std::unique_ptr<SSL_CTX, freed> context_;
  std::unique_ptr<SSL, freed> ssl_;
  bool connected_ = false;
};

}  // namespace test
