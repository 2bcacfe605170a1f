// The two things that a broker's callbacks answer with: where a message goes, and what becomes of
// the resource that got it.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include <millrace/pool/detail/keyed_map.hpp>

namespace millrace {

/// What a demultiplexer makes of a message.
template <pool_key Key, class Message>
class routed {
 public:
  using key_type = Key;
  using message_type = Message;

  /// Create the resource of this key; then have it handle this message, if there is one.
  [[nodiscard]] static routed initialize(Key key, std::optional<Message> first = {}) {
    return routed(true, std::move(key), std::move(first));
  }
  /// Have the resource of this key handle this message.
  [[nodiscard]] static routed dispatch(Key key, Message message) {
    return routed(false, std::move(key), std::move(message));
  }

  [[nodiscard]] bool initializes() const noexcept { return initializes_; }
  [[nodiscard]] const Key& key() const noexcept { return key_; }
  [[nodiscard]] std::optional<Message>& message() noexcept { return message_; }

 private:
  routed(bool initializes, Key key, std::optional<Message> message)
      : initializes_(initializes), key_(std::move(key)), message_(std::move(message)) {}

  bool initializes_;
  Key key_;
  std::optional<Message> message_;
};

/// What a message handler may answer: the resource stays as it is, is replaced by this one (the old
/// one is destroyed, not cleaned up), or is cleaned up and removed.
struct keep_resource {};
template <class Resource>
struct update_resource {
  Resource resource;
};
template <class Resource>
update_resource(Resource) -> update_resource<Resource>;
struct remove_resource {};

/// Any of them.
template <class Resource>
using handled = std::variant<keep_resource, update_resource<Resource>, remove_resource>;

}  // namespace millrace
