// What goes over the queues of a service: a header, then a value as the codec writes it.
//
//   request   fingerprint 8 | client 8 | call 8 | ticket 4 | command 4 | the command
//   reply     call 8 | ticket 4 | kind 4 | the value, or a text
//
// A client has a number of its own, from which the name of its reply queue follows. Of a call it
// sends two numbers, and gets them back with the reply: `call` is unique, so that a late or second
// reply is known for what it is, `ticket` is where the client keeps the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include <millrace/service/codec.hpp>

namespace millrace::detail {

struct request_header {
  std::uint64_t fingerprint;
  std::uint64_t client;
  std::uint64_t call;  // 0: a cast
  std::uint32_t ticket;
  std::uint32_t command;  // its place in the protocol, or `hello`
};
static_assert(sizeof(request_header) == 32);

/// Instead of a command: a client asks to be greeted.
inline constexpr std::uint32_t hello = 0xFFFF'FFFF;

enum class reply_kind : std::uint32_t {
  replied,   // the value
  failed,    // a text, why
  dropped,   // nothing: nobody will reply
  greeting,  // `call` is the server's number; the text describes its protocol
};

struct reply_header {
  std::uint64_t call;
  std::uint32_t ticket;
  reply_kind kind;
};
static_assert(sizeof(reply_header) == 16);

/// A value, or none, that is to be written where it will lie.
class body {
 public:
  body() = default;
  template <class T>
  requires(!std::is_same_v<T, body>) explicit body(T& value)
      : size_(encoded_size(value)), value_(&value),
        write_([](void* v, std::byte* to) { encode(*static_cast<T*>(v), to); }) {}

  /// Its characters and nothing else. `text` must outlive this.
  [[nodiscard]] static body of_text(std::string_view& text) noexcept {
    body b;
    b.size_ = text.size();
    b.value_ = &text;
    b.write_ = [](void* v, std::byte* to) {
      const auto& all = *static_cast<std::string_view*>(v);
      std::memcpy(to, all.data(), all.size());
    };
    return b;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void write(std::byte* to) const {
    if (write_ != nullptr) {
      write_(value_, to);
    }
  }

 private:
  std::size_t size_ = 0;
  void* value_ = nullptr;
  void (*write_)(void*, std::byte*) = nullptr;
};

/// Parts a message into header and the rest. False: it is too short for that.
template <class Header>
[[nodiscard]] bool split(std::span<const std::byte> message, Header& header,
                         std::span<const std::byte>& rest) noexcept {
  if (message.size() < sizeof header) {
    return false;
  }
  std::memcpy(&header, message.data(), sizeof header);
  rest = message.subspan(sizeof header);
  return true;
}

}  // namespace millrace::detail
