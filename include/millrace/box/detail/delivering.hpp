// Delivering a message, then saying how that went: at once, or to a coroutine that awaits it.
#pragma once

#include <concepts>
#include <coroutine>
#include <utility>

namespace millrace::detail {

/// Whether delivering is done when deliver() returns. Else that returns an awaitable.
template <class Sink, class Message>
concept delivers_at_once = requires(Sink& sink, Message&& message) {
  { sink.deliver(std::move(message)) } -> std::same_as<bool>;
};

/// An awaitable: keeps the message as long as its delivery takes.
template <class Sink, class Message, class Then>
class [[nodiscard]] delivering {
  using awaiter = decltype(std::declval<Sink&>().deliver(std::declval<Message&&>()));

 public:
  delivering(Sink& sink, Message&& message, Then then)
      : message_(std::move(message)), then_(std::move(then)),
        delivering_(sink.deliver(std::move(message_))) {}
  delivering(const delivering&) = delete;
  delivering& operator=(const delivering&) = delete;

  [[nodiscard]] bool await_ready() { return delivering_.await_ready(); }
  auto await_suspend(std::coroutine_handle<> sender) { return delivering_.await_suspend(sender); }
  [[nodiscard]] auto await_resume() { return then_(delivering_.await_resume(), message_); }

 private:
  Message message_;
  Then then_;
  awaiter delivering_;
};

/// What `then(delivered, message)` returns, or an awaitable of that.
template <class Sink, class Message, class Then>
[[nodiscard]] auto deliver(Sink& sink, Message message, Then then) {
  if constexpr (delivers_at_once<Sink, Message>) {
    return then(sink.deliver(std::move(message)), message);
  } else {
    return delivering<Sink, Message, Then>(sink, std::move(message), std::move(then));
  }
}

}  // namespace millrace::detail
