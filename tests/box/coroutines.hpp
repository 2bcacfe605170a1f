// Coroutines that deliver or receive once, and say what came of it.
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>

namespace test {

template <class T, class Policy>
millrace::task<> deliver_once(millrace::async_input<millrace::input<T, Policy>> in, T value,
                              std::optional<bool>& answer, std::stop_token stop = {}) {
  answer = co_await in.deliver(std::move(value), std::move(stop));
}

template <class Inbox, class T>
millrace::task<> receive_once(Inbox inbox, std::optional<T>& to, bool& ended,
                              std::stop_token stop = {}) {
  to = co_await inbox.receive(std::move(stop));
  ended = true;
}

}  // namespace test
