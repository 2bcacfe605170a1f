// Who a link is, and whom it trusts, on connections that are encrypted.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace millrace {

/// Files in PEM, read when the link is made. TLS 1.3, or 1.2 with peers that know no better. No
/// sessions are resumed, and no lists of revoked certificates are looked at.
///
/// A connection at rest takes 15 KiB more than without TLS. At most 256 of those who connect may be
/// in the middle of the handshake, each with up to 200 KB of memory: one more ends the oldest of
/// them, as does link_options::timeout.
struct tls_options {
  /// This end's certificate, followed by those that lead from it to an authority, and its key,
  /// which is not encrypted. A link that listens needs both; one that only connects needs them
  /// where it is asked who it is.
  std::filesystem::path certificate = {};
  std::filesystem::path key = {};
  /// The authorities' certificates. Whom this end connects to must have a certificate that one of
  /// them signed, for the name or the number in the address that was given. Who connects to this
  /// end must have one as well, for whatever name. Empty: those that the system trusts, and anybody
  /// may connect.
  std::filesystem::path ca = {};
  /// Hears why somebody was not trusted, in OpenSSL's words, before link_options::on_drop does; the
  /// same rules apply.
  std::function<void(const std::string& peer, const std::string& why)> on_untrusted = {};
};

}  // namespace millrace
