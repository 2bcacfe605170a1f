// One end of a TLS connection, apart from its socket: what comes over the wire goes in, what was
// meant by it comes out, and the other way round. A link's sockets are read and written directly
// whenever they are ready, by two threads; asio::ssl::stream, which owns its socket and is one
// thread's, does not fit that.
//
//   socket ──read()──▶ plaintext      the reader, one thread at a time
//   plaintext ──seal()──▶ socket      the writer, one thread at a time, maybe beside the reader
//
// OpenSSL's object is used under the mutex, inside of which nothing else is called. Records leave
// in the order in which OpenSSL made them, as only the writer takes them, all that there are.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "link/frame.hpp"
#include "link/record_position.hpp"

struct ssl_st;  // OpenSSL's

namespace millrace::detail {

struct ssl_deleter {
  void operator()(ssl_st* ssl) const noexcept;
};
using ssl_ptr = std::unique_ptr<ssl_st, ssl_deleter>;

class tls_session {
 public:
  enum class outcome {
    going_on,
    ended,   // by the peer, who said so
    failed,  // why() says it
  };
  struct arrival {
    outcome how;
    std::size_t size;  // bytes of plaintext
    bool answers;      // there is something to seal, though the user said nothing; or again
  };
  /// Plaintext is never more than the ciphertext that was read for it, and one record.
  static constexpr std::size_t record_size = 16 * 1024;

  /// `ssl` knows already which end it is, and whom to trust. Throws std::bad_alloc.
  explicit tls_session(ssl_ptr ssl);
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;
  ~tls_session() = default;

  // The reader's.

  /// Takes all of the ciphertext. The end that connects begins by reading nothing.
  /// REQUIRES: room in `plain` for the ciphertext's size and a record.
  arrival read(std::span<const std::byte> ciphertext, std::span<std::byte> plain);
  /// The peer is in the middle of something: of the handshake, of a record, or of what it says of
  /// TLS itself.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  /// The handshake is done, and the peer is trusted.
  [[nodiscard]] bool established() const noexcept { return established_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

  // The writer's.

  /// What to write to the socket next: the rest of what was there before, or else what OpenSSL has
  /// to say and then a part of `plain` from its beginning. Nothing though there is `plain`: it
  /// failed, or has to read more first, which is then an arrival that `answers`.
  std::span<const std::byte> seal(std::span<const std::byte> plain);
  /// The kernel has so many bytes of that. How many more of `plain` it has whole records of.
  std::size_t sent(std::size_t size) noexcept;
  [[nodiscard]] bool unsent() const noexcept { return sent_ < sealed_.size(); }
  /// Gives memory back. REQUIRES: nothing unsent.
  void shrink() noexcept;
  /// Says that nothing more will come, to be sealed.
  void end() noexcept;

 private:
  /// What OpenSSL reads from and writes to.
  struct wire {
    std::span<const std::byte> in;
    byte_vector out;
  };
  struct record {
    std::size_t end;    // in sealed_
    std::size_t plain;  // bytes
  };
  struct wire_method;

  outcome judge(int result);

  std::mutex mutex_;
  // Guarded by the mutex.
  wire wire_;
  ssl_ptr ssl_;
  bool listening_ = false;  // in the middle of what the peer says of TLS: nothing can be sealed

  // The reader's.
  record_position position_;
  bool begun_ = true;
  bool established_ = false;
  std::string why_;

  // The writer's.
  byte_vector sealed_;
  std::size_t sent_ = 0;
  std::vector<record> records_;  // of sealed_
  std::size_t counted_ = 0;      // of these, as sent
};

}  // namespace millrace::detail
