// Keys on P-256, which are made in no time.
#include "link/certificates.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace test {

namespace {

template <auto Free>
struct freed {
  void operator()(auto* object) const { Free(object); }
};
using file_ptr = std::unique_ptr<std::FILE, freed<&std::fclose>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed<&EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed<&X509_free>>;

void require(bool done) {
  if (!done) {
    throw std::runtime_error("cannot make a certificate");
  }
}

file_ptr open(const std::filesystem::path& file, const char* how) {
  file_ptr opened(std::fopen(file.c_str(), how));
  require(opened != nullptr);
  return opened;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  require(made != nullptr && X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

int next_number() {
  static std::atomic<int> latest = 0;
  return ++latest;
}

certificate_ptr new_certificate(EVP_PKEY* key, const claim& c) {
  certificate_ptr made(X509_new());
  const int number = next_number();
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), number);
  X509_set_version(made.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), c.begins);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), c.ends);
  const std::string name = c.common_name.empty() ? "test " + std::to_string(number) : c.common_name;
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), key);
  return made;
}

identity write(const std::filesystem::path& place, X509* certificate, EVP_PKEY* key) {
  const std::string name = std::to_string(next_number());
  identity files{place / (name + ".crt"), place / (name + ".key")};
  require(PEM_write_X509(open(files.certificate, "wb").get(), certificate) == 1);
  require(PEM_write_PrivateKey(open(files.key, "wb").get(), key, nullptr, nullptr, 0, nullptr,
                               nullptr) == 1);
  return files;
}

}  // namespace

authority::authority(const scratch& place) : place_(place.path()) {
  const key_ptr key(EVP_EC_gen("P-256"));
  const auto certificate = new_certificate(key.get(), {});
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate.get(), certificate.get(), NID_subject_alt_name, claim().names);
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  self_ = write(place_, certificate.get(), key.get());
}

identity authority::sign(const claim& c) const {
  const certificate_ptr issuer(
      PEM_read_X509(open(self_.certificate, "rb").get(), nullptr, nullptr, nullptr));
  const key_ptr issuers_key(
      PEM_read_PrivateKey(open(self_.key, "rb").get(), nullptr, nullptr, nullptr));
  const key_ptr key(EVP_EC_gen("P-256"));
  const auto certificate = new_certificate(key.get(), c);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  extend(certificate.get(), issuer.get(), NID_subject_alt_name, c.names);
  require(X509_sign(certificate.get(), issuers_key.get(), EVP_sha256()) > 0);
  return write(place_, certificate.get(), key.get());
}

millrace::tls_options authority::tls(const claim& c) const {
  const identity own = sign(c);
  return {.certificate = own.certificate, .key = own.key, .ca = self_.certificate};
}

}  // namespace test
