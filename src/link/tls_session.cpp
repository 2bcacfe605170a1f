// OpenSSL between spans of bytes.
#include "link/tls_session.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace millrace::detail {

namespace {

/// Plaintext that is sealed at once: worth a system call, and little to keep for a slow peer.
constexpr std::size_t most_at_once = std::size_t{128} << 10;
/// What the peer may make OpenSSL say, without taking it.
constexpr std::size_t most_answers = std::size_t{64} << 10;

static_assert(tls_session::record_size == SSL3_RT_MAX_PLAIN_LENGTH);

}  // namespace

void ssl_deleter::operator()(ssl_st* ssl) const noexcept {
  SSL_free(ssl);
}

/// A BIO, which is what OpenSSL calls a file, over a wire. Called under the session's mutex.
struct tls_session::wire_method {
  static wire& of(BIO* bio) { return *static_cast<wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int size) {
    std::span<const std::byte>& in = of(bio).in;
    BIO_clear_retry_flags(bio);
    if (in.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t n = std::min(static_cast<std::size_t>(size), in.size());
    std::memcpy(to, in.data(), n);
    in = in.subspan(n);
    return static_cast<int>(n);
  }

  static int write(BIO* bio, const char* from, int size) {
    byte_vector& out = of(bio).out;
    const auto bytes = std::as_bytes(std::span(from, static_cast<std::size_t>(size)));
    try {
      out.insert(out.end(), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // must not go through OpenSSL
      return -1;
    }
    return size;
  }

  static long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* get() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
      if (made == nullptr) {
        throw std::bad_alloc();
      }
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return method;
  }
};

tls_session::tls_session(ssl_ptr ssl) : ssl_(std::move(ssl)) {
  BIO* const bio = BIO_new(wire_method::get());
  if (bio == nullptr) {
    throw std::bad_alloc();
  }
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

tls_session::arrival tls_session::read(std::span<const std::byte> ciphertext,
                                       std::span<std::byte> plain) {
  const std::lock_guard held(mutex_);
  wire_.in = ciphertext;
  arrival got{outcome::going_on, 0, false};
  ERR_clear_error();
  if (!established_) {
    const int result = SSL_do_handshake(ssl_.get());
    established_ = result == 1;
    if (!established_) {
      got.how = judge(result);
    }
  }
  while (established_ && got.size < plain.size()) {
    ERR_clear_error();  // SSL_get_error takes what is left there for this call's
    const int result =
        SSL_read(ssl_.get(), plain.data() + got.size, static_cast<int>(plain.size() - got.size));
    if (result <= 0) {
      got.how = judge(result);
      break;
    }
    got.size += static_cast<std::size_t>(result);
  }
  if (wire_.out.size() > most_answers) {
    got.how = outcome::failed;
    why_ = "the peer asks for too many answers";
  }
  wire_.in = {};  // is the caller's again
  position_.pass(ciphertext);
  begun_ = position_.within() || SSL_is_init_finished(ssl_.get()) == 0;
  if (listening_ && SSL_is_init_finished(ssl_.get()) == 1) {
    listening_ = false;
    got.answers = true;
  }
  got.answers = got.answers || !wire_.out.empty();
  return got;
}

tls_session::outcome tls_session::judge(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
  case SSL_ERROR_WANT_READ:
    return outcome::going_on;
  case SSL_ERROR_ZERO_RETURN:
    return outcome::ended;
  default:
    break;
  }
  const long verified = SSL_get_verify_result(ssl_.get());
  const char* const reason = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                                   : ERR_reason_error_string(ERR_peek_error());
  why_ = reason != nullptr ? reason : "no reason is known";
  return outcome::failed;
}

std::span<const std::byte> tls_session::seal(std::span<const std::byte> plain) {
  if (!unsent()) {
    sealed_.clear();
    records_.clear();
    records_.reserve(most_at_once / record_size);  // else memory could lack for a sealed one
    sent_ = counted_ = 0;
    plain = plain.first(std::min(plain.size(), most_at_once));
    const std::lock_guard held(mutex_);
    while (!plain.empty()) {
      const std::size_t size = std::min(plain.size(), record_size);
      ERR_clear_error();
      const int result = SSL_write(ssl_.get(), plain.data(), static_cast<int>(size));
      if (result <= 0) {
        listening_ = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
        break;
      }
      records_.push_back({wire_.out.size(), size});
      plain = plain.subspan(size);
    }
    sealed_.swap(wire_.out);
  }
  return std::span(sealed_).subspan(sent_);
}

std::size_t tls_session::sent(std::size_t size) noexcept {
  sent_ += size;
  std::size_t plain = 0;
  for (; counted_ < records_.size() && records_[counted_].end <= sent_; ++counted_) {
    plain += records_[counted_].plain;
  }
  return plain;
}

void tls_session::shrink() noexcept {
  byte_vector().swap(sealed_);
  sent_ = 0;
  records_.clear();
  counted_ = 0;
  const std::lock_guard held(mutex_);
  if (wire_.out.empty()) {
    byte_vector().swap(wire_.out);
  }
}

void tls_session::end() noexcept {
  const std::lock_guard held(mutex_);
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

}  // namespace millrace::detail
