// Certificates for tests, made on the spot, in PEM files.
#pragma once

#include <filesystem>
#include <string>

#include <millrace/link/tls_options.hpp>

#include "support/scratch.hpp"

namespace test {

struct identity {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// What a certificate says.
struct claim {
  std::string names = "IP:127.0.0.1,IP:::1,DNS:localhost";
  long begins = -3600;  // seconds from now
  long ends = 3600;
  std::string common_name = {};  // whatever, if it is empty
};

/// Signs what it is asked to.
class authority {
 public:
  /// Its files, and those of whom it signs, go there.
  explicit authority(const scratch& place);

  /// What shows that it is this authority; with it, it is a self-signed identity.
  [[nodiscard]] const identity& self() const { return self_; }
  [[nodiscard]] identity sign(const claim& c = {}) const;
  /// For a link that is what it claims, and trusts whom this authority has signed.
  [[nodiscard]] millrace::tls_options tls(const claim& c = {}) const;

 private:
  std::filesystem::path place_;
  identity self_;
};

}  // namespace test
