// A small protocol with a command of each kind, and a thread that serves it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>

#include "support/overriding.hpp"

namespace shop {

/// Not copyable.
struct donate {
  std::unique_ptr<std::string> title;
  using returns = millrace::fire_and_forget;
};
struct buy {
  std::string title;
  using returns = millrace::returns<bool>;
};
struct fetch {
  std::string title;
  using returns = millrace::returns<std::unique_ptr<std::string>>;
};
struct sweep {
  using returns = millrace::returns<>;
};

using api = millrace::protocol<donate, buy, fetch, sweep>;

template <class Policy = millrace::unlimited>
using box = millrace::message_box<api::message, Policy>;

inline donate book(std::string title) {
  return {std::make_unique<std::string>(std::move(title))};
}

/// Answers everything by default; what a test is about, it overrides.
struct clerk {
  void operator()(donate&&) {}
  auto operator()(buy&&, millrace::reply_box<bool> reply) { return reply_to(reply, true); }
  auto operator()(fetch&& f, millrace::reply_box<std::unique_ptr<std::string>> reply) {
    return reply_to(reply, std::make_unique<std::string>(std::move(f.title)));
  }
  auto operator()(sweep&&, millrace::reply_box<void> reply) { return reply_to(reply); }
};

/// Handles what comes into the box, in a thread, until its inputs are gone or it is closed.
template <class Box, class Handler>
[[nodiscard]] std::jthread serve(Box& from, Handler& handler) {
  return std::jthread([&from, &handler] {
    for (auto& message : from) {
      handle(std::move(message), handler);
    }
  });
}

/// Handles one message that must be there.
template <class Box, class Handler>
void serve_one(Box& from, Handler&& handler) {
  auto message = from.try_receive();
  if (!message) {
    throw std::logic_error("no message in the box");
  }
  handle(std::move(*message), handler);
}

/// The clerk, but for what the given function takes.
template <class Function>
[[nodiscard]] auto clerk_but(Function f) {
  return test::overriding<clerk, Function>(std::move(f));
}

}  // namespace shop
