// Messages as bytes on the wire and back; include/millrace/link/tcp_link.hpp says how they look.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace millrace::detail {

using byte_vector = std::vector<std::byte>;

/// Of messages that were received, for others: fresh memory costs more than to fill it.
using spare_memory = std::vector<byte_vector>;
/// Bytes from which on, and up to which, it is kept; and how many pieces are.
inline constexpr std::size_t least_spare = std::size_t{16} << 10;
inline constexpr std::size_t most_spare = std::size_t{256} << 10;
inline constexpr std::size_t spare_pieces = 16;

/// Bytes of a message that are not worth copying: it is sent from where it lies.
inline constexpr std::size_t least_in_place = std::size_t{16} << 10;

enum class frame_kind {
  message,          // bin or str
  request,          // a message with a number, to be acknowledged
  acknowledgement,  // a number
  other,            // nothing that a link reads
};

/// Bytes in front of the message in a request, and all of an acknowledgement.
inline constexpr std::size_t number_size = 8;
/// No head is longer, with the number after it.
inline constexpr std::size_t longest_head = 6 + number_size;

struct frame_head {
  frame_kind kind;
  std::size_t size;    // bytes of the head
  std::size_t length;  // bytes that follow
};

/// Nothing: the bytes end within a head.
[[nodiscard]] std::optional<frame_head> read_head(std::span<const std::byte> from) noexcept;

/// Appends a head, of the given kind, for `length` bytes to follow.
void append_head(byte_vector& to, frame_kind kind, std::size_t length);
void append_number(byte_vector& to, std::uint64_t number);
[[nodiscard]] std::uint64_t read_number(std::span<const std::byte> from) noexcept;

enum class flaw {
  none,
  not_a_message,
  too_large,
};

struct frame {
  frame_kind kind;
  std::uint64_t number;  // of a request or an acknowledgement
  byte_vector bytes;
};

/// Cuts a stream of bytes into frames. It holds what has arrived of the frame that is not complete,
/// in at most twice as much memory, and never more than the frame takes.
class frame_reader {
 public:
  explicit frame_reader(std::size_t max_message_size) noexcept : most_(max_message_size) {}

  /// Calls take(frame&&) for each frame that is complete with these bytes. A large one takes
  /// memory from `spare`. Nothing can be read after a flaw.
  template <class Take>
  flaw read(std::span<const std::byte> from, spare_memory& spare, Take take) {
    for (;;) {
      if (!head_) {
        if (!begin(from, spare)) {
          return flaw::none;
        }
        if (const flaw found = judge(*head_); found != flaw::none) {
          return found;
        }
      }
      const std::size_t now = std::min(from.size(), head_->length - filled_);
      append(from.first(now));
      from = from.subspan(now);
      if (filled_ < head_->length) {
        return flaw::none;
      }
      take(finish());
    }
  }

  /// Where the bytes that come next belong, if memory is there for them: then they may be written
  /// to it instead of being read, which is another copy saved.
  [[nodiscard]] std::span<std::byte> room() noexcept { return std::span(body_).subspan(filled_); }
  /// So many bytes were written there; read() goes on behind them.
  void skip(std::size_t size) noexcept { filled_ += size; }

  /// Whether a part of a frame has arrived.
  [[nodiscard]] bool begun() const noexcept { return head_ || unread_size_ > 0; }
  /// Bytes held of it.
  [[nodiscard]] std::size_t held() const noexcept { return filled_; }

 private:
  /// Takes a head off the front, which may have begun in earlier bytes. False: there is none yet.
  bool begin(std::span<const std::byte>& from, spare_memory& spare);
  [[nodiscard]] flaw judge(const frame_head& head) const noexcept;
  void append(std::span<const std::byte> bytes);
  frame finish();

  std::size_t most_;
  std::optional<frame_head> head_;
  byte_vector body_;        // with room behind what has arrived only where that costs nothing
  std::size_t filled_ = 0;  // of it
  std::array<std::byte, longest_head> unread_{};  // of a head that is not complete
  std::size_t unread_size_ = 0;
};

}  // namespace millrace::detail
