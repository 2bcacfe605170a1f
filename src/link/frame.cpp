// Heads are read and written by libmpack, a byte at a time where they come so.
#include "link/frame.hpp"

extern "C" {
#include <mpack.h>
}
#undef bool  // which mpack.h makes a macro

namespace millrace::detail {

namespace {

constexpr int request_type = 1;
constexpr int acknowledgement_type = 2;

frame_kind kind_of(const mpack_token_t& token) {
  switch (token.type) {
  case MPACK_TOKEN_BIN:
  case MPACK_TOKEN_STR:
    return frame_kind::message;
  case MPACK_TOKEN_EXT:
    return token.data.ext_type == request_type           ? frame_kind::request
           : token.data.ext_type == acknowledgement_type ? frame_kind::acknowledgement
                                                         : frame_kind::other;
  default:
    return frame_kind::other;
  }
}

mpack_token_t token_of(frame_kind kind, std::uint32_t length) {
  switch (kind) {
  case frame_kind::request:
    return mpack_pack_ext(request_type, length);
  case frame_kind::acknowledgement:
    return mpack_pack_ext(acknowledgement_type, length);
  default:
    return mpack_pack_bin(length);
  }
}

}  // namespace

std::optional<frame_head> read_head(std::span<const std::byte> from) noexcept {
  mpack_tokbuf_t reader;
  mpack_tokbuf_init(&reader);
  mpack_token_t token;
  const char* at = reinterpret_cast<const char*>(from.data());
  std::size_t left = from.size();
  switch (mpack_read(&reader, &at, &left, &token)) {
  case MPACK_OK:
    return frame_head{kind_of(token), from.size() - left, token.length};
  case MPACK_EOF:
    return std::nullopt;
  default:
    return frame_head{frame_kind::other, 0, 0};
  }
}

void append_head(byte_vector& to, frame_kind kind, std::size_t length) {
  mpack_tokbuf_t writer;
  mpack_tokbuf_init(&writer);
  const mpack_token_t token = token_of(kind, static_cast<std::uint32_t>(length));
  std::array<char, MPACK_MAX_TOKEN_LEN> head;
  char* at = head.data();
  std::size_t left = head.size();
  (void)mpack_write(&writer, &at, &left, &token);
  const auto bytes = std::as_bytes(std::span(head)).first(head.size() - left);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_number(byte_vector& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::byte>(number >> shift));
  }
}

std::uint64_t read_number(std::span<const std::byte> from) noexcept {
  std::uint64_t number = 0;
  for (const std::byte each : from.first(number_size)) {
    number = number << 8 | std::to_integer<std::uint64_t>(each);
  }
  return number;
}

bool frame_reader::begin(std::span<const std::byte>& from, spare_memory& spare) {
  if (unread_size_ == 0 && !from.empty()) {
    head_ = read_head(from);
    if (head_) {
      from = from.subspan(head_->size);
    }
  }
  while (!head_ && !from.empty()) {
    unread_[unread_size_++] = from.front();
    from = from.subspan(1);
    head_ = read_head(std::span(unread_).first(unread_size_));
  }
  if (!head_) {
    return false;
  }
  unread_size_ = 0;
  if (head_->length >= least_spare && !spare.empty()) {
    byte_vector piece = std::move(spare.back());
    spare.pop_back();
    // Not if it is much more than the message is counted for.
    if (head_->length <= piece.capacity() && piece.capacity() / 2 < head_->length) {
      body_ = std::move(piece);
      body_.resize(head_->length);
      return true;
    }
  }
  // A vector of the right size at once, as far as it is here.
  body_.reserve(std::min(head_->length, from.size()));
  return true;
}

flaw frame_reader::judge(const frame_head& head) const noexcept {
  switch (head.kind) {
  case frame_kind::message:
    return head.length <= most_ ? flaw::none : flaw::too_large;
  case frame_kind::request:
    return head.length < number_size           ? flaw::not_a_message
           : head.length - number_size > most_ ? flaw::too_large
                                               : flaw::none;
  case frame_kind::acknowledgement:
    return head.length == number_size ? flaw::none : flaw::not_a_message;
  case frame_kind::other:
    return flaw::not_a_message;
  }
  return flaw::not_a_message;
}

void frame_reader::append(std::span<const std::byte> bytes) {
  const std::size_t here = std::min(bytes.size(), room().size());
  std::ranges::copy(bytes.first(here), room().begin());
  filled_ += here;
  bytes = bytes.subspan(here);
  if (bytes.empty()) {
    return;
  }
  const std::size_t size = body_.size() + bytes.size();
  if (size > body_.capacity()) {
    body_.reserve(std::min(head_->length, 2 * size));
  }
  body_.insert(body_.end(), bytes.begin(), bytes.end());
  filled_ = body_.size();
}

frame frame_reader::finish() {
  frame complete{head_->kind, 0, std::exchange(body_, {})};
  filled_ = 0;
  head_.reset();
  if (complete.kind != frame_kind::message) {
    complete.number = read_number(complete.bytes);
    complete.bytes.erase(complete.bytes.begin(),
                         complete.bytes.begin() + static_cast<std::ptrdiff_t>(number_size));
  }
  return complete;
}

}  // namespace millrace::detail
