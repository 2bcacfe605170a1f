// A protocol with a command of each kind, and a server for it.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/service/client.hpp>
#include <millrace/service/service.hpp>

#include "support/overriding.hpp"
#include "support/scratch.hpp"

namespace calculator {

struct add {
  int a;
  int b;
  using returns = millrace::returns<int>;
};
struct join {
  std::vector<std::string> words;
  using returns = millrace::returns<std::string>;
};
struct store {
  int value;
  using returns = millrace::fire_and_forget;
};
struct recall {
  using returns = millrace::returns<int>;
};
struct clear {
  using returns = millrace::returns<>;
};
using api = millrace::protocol<add, join, store, recall, clear>;

using client = millrace::client<api>;
using service = millrace::service<api>;

inline constexpr auto long_time = std::chrono::hours(1);  // the watchdog is quicker

inline millrace::service_options service_in(const test::scratch& scratch) {
  return {.directory = scratch.path()};
}
inline millrace::client_options client_in(const test::scratch& scratch) {
  return {.directory = scratch.path(), .connect_within = long_time};
}

/// Answers everything; what a test is about, it overrides.
class clerk {
 public:
  auto operator()(add&& a, millrace::reply_box<int> reply) { return reply_to(reply, a.a + a.b); }
  auto operator()(join&& j, millrace::reply_box<std::string> reply) {
    std::string all;
    for (const auto& word : j.words) {
      all += word;
    }
    return reply_to(reply, std::move(all));
  }
  void operator()(store&& s) { stored_ = s.value; }
  auto operator()(recall&&, millrace::reply_box<int> reply) { return reply_to(reply, stored_); }
  auto operator()(clear&&, millrace::reply_box<void> reply) {
    stored_ = 0;
    return reply_to(reply);
  }

 private:
  int stored_ = 0;
};

/// The clerk, but for what the given function takes.
template <class Function>
[[nodiscard]] auto clerk_but(Function f) {
  return test::overriding<clerk, Function>(std::move(f));
}

/// A thread that serves until its end.
template <class Handler>
[[nodiscard]] std::jthread serve(const millrace::service_options& options, Handler handler) {
  return std::jthread([options, handler = std::move(handler)](const std::stop_token& stop) mutable {
    service desk("desk", options);
    desk.serve(handler, stop);
  });
}

}  // namespace calculator
