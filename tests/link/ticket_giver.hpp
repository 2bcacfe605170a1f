// Whom links with TLS connect to in tests: OpenSSL without a socket, which gives tickets that take
// more than one record. Until it has all of one, the other end can say nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "link/certificates.hpp"
#include "support/bytes.hpp"

namespace test {

class ticket_giver {
 public:
  explicit ticket_giver(const identity& own) {
    REQUIRE(SSL_CTX_use_certificate_chain_file(context_.get(), own.certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_.get(), own.key.c_str(), SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    SSL_CTX_set_session_id_context(context_.get(), reinterpret_cast<const unsigned char*>("x"), 1);
    SSL_CTX_set_max_send_fragment(context_.get(), 512);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_accept_state(ssl_.get());
  }
  void hear(std::span<const std::byte> sealed) {
    BIO_write(in_, sealed.data(), static_cast<int>(sealed.size()));
  }
  bool shake_hands() { return SSL_do_handshake(ssl_.get()) == 1; }
  std::string read() {
    std::string text(1000, '\0');
    text.resize(static_cast<std::size_t>(std::max(0, SSL_read(ssl_.get(), text.data(), 1000))));
    return text;
  }
  /// All that it has said since.
  bytes said() {
    bytes all(BIO_ctrl_pending(out_));
    BIO_read(out_, all.data(), static_cast<int>(all.size()));
    return all;
  }
  /// The size of the first record in this, which has more.
  [[nodiscard]] static std::size_t first_record(const bytes& sealed) {
    const auto at = [&](std::size_t i) { return std::to_integer<std::size_t>(sealed.at(i)); };
    const std::size_t size = 5 + 256 * at(3) + at(4);
    REQUIRE(size < sealed.size());
    return size;
  }

 private:
  struct freed {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  std::unique_ptr<SSL_CTX, freed> context_{SSL_CTX_new(TLS_server_method())};
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
  std::unique_ptr<SSL, freed> ssl_;
};

}  // namespace test
