// For loops that must not end because one message made trouble: catch_all reports whatever is
// thrown to a hook, and goes on. And handle_message, to receive and handle in one step.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/message_box.hpp>

namespace millrace {

/// Waits for a message, as Box::receive, and calls f(message). False: there was none.
template <class Box, class F>
bool handle_message(Box& box, F&& f, const std::stop_token& stop = {}) {
  if (auto m = box.receive(stop)) {
    std::forward<F>(f)(std::move(*m));
    return true;
  }
  return false;
}

/// A box whose calls do not throw. `Hook`: called with the std::exception_ptr of what was thrown;
/// what the hook itself throws is dropped. Thread-safety: as the box; the hook is called by
/// whichever thread called.
template <class Box, class Hook>
class catch_all_box {
 public:
  using value_type = typename Box::value_type;

  catch_all_box(Box& box, Hook hook) : box_(box), hook_(std::move(hook)) {}

  /// As Box::receive; a message that cannot be moved out is reported and left out.
  [[nodiscard]] std::optional<value_type> receive(const std::stop_token& stop = {}) noexcept {
    for (;;) {
      try {
        return box_.receive(stop);
      } catch (...) {
        report();
      }
    }
  }
  [[nodiscard]] std::optional<value_type> try_receive() noexcept {
    for (;;) {
      try {
        return box_.try_receive();
      } catch (...) {
        report();
      }
    }
  }

  /// Waits for a message and calls f(message). False: there was none. True: it was handled, or what
  /// was thrown was reported.
  template <class F>
  bool handle(F&& f, const std::stop_token& stop = {}) noexcept {
    try {
      return handle_message(box_, std::forward<F>(f), stop);
    } catch (...) {
      report();
      return true;
    }
  }
  /// The same for each message until there is none any more.
  template <class F>
  void handle_all(F&& f, const std::stop_token& stop = {}) noexcept {
    while (handle(f, stop)) {
    }
  }

 private:
  void report() noexcept {
    try {
      hook_(std::current_exception());
    } catch (...) {
    }
  }

  Box& box_;
  Hook hook_;
};

/// An input whose calls do not throw; see catch_all_box.
template <class Input, class Hook>
class catch_all_input {
 public:
  using value_type = typename Input::value_type;

  catch_all_input(Input in, Hook hook) : input_(std::move(in)), hook_(std::move(hook)) {}

  /// As Input::deliver; false also if something was thrown, and reported.
  template <class Message>
  bool deliver(Message&& message, const std::stop_token& stop = {}) noexcept {
    try {
      return input_.deliver(std::forward<Message>(message), stop);
    } catch (...) {
      try {
        hook_(std::current_exception());
      } catch (...) {
      }
      return false;
    }
  }

 private:
  Input input_;
  Hook hook_;
};

template <class T, class Policy, class Hook>
[[nodiscard]] auto catch_all(message_box<T, Policy>& box, Hook hook) {
  return catch_all_box<message_box<T, Policy>, Hook>(box, std::move(hook));
}
template <class T, class Policy, class Hook>
[[nodiscard]] auto catch_all(const input<T, Policy>& in, Hook hook) {
  return catch_all_input<input<T, Policy>, Hook>(in, std::move(hook));
}

}  // namespace millrace
