// Process pools of tests, and asking them.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

#include <doctest/doctest.h>
#include <signal.h>

#include <millrace/pool/process_pool.hpp>

#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"

namespace doctest {

template <>
struct StringMaker<millrace::reply_outcome> {
  static String convert(millrace::reply_outcome value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

}  // namespace doctest

namespace test {

/// Of the program in process_pool_worker.cpp, with short pauses.
inline millrace::process_pool_options pool_options(const scratch& directory,
                                                   std::size_t workers = 1) {
  using namespace std::chrono_literals;
  millrace::process_pool_options options;
  options.program = PROCESS_POOL_WORKER;
  options.workers = workers;
  options.capacity = std::size_t{64} * 1024;
  options.directory = directory.path();
  options.restart.first_pause = 1ms;
  options.restart.longest_pause = 20ms;
  return options;
}

struct answer {
  millrace::reply_outcome outcome;
  std::string text;
  bool redelivered;
};

inline answer wait_for(millrace::pending_reply& reply) {
  REQUIRE(reply.wait() == millrace::status::ok);
  return {reply.outcome(), std::string(reply.text()), reply.redelivered()};
}

/// Sends and waits.
inline answer ask(millrace::process_pool& pool, millrace::routing_key key,
                  const std::string& text) {
  millrace::pending_reply reply;
  REQUIRE(pool.send(key, text, reply) == millrace::status::ok);
  return wait_for(reply);
}

/// The process that serves a worker's requests, which it does from now on.
inline pid_t process_of(millrace::process_pool& pool, millrace::routing_key key) {
  return std::stoi(ask(pool, key, "pid").text);
}

/// Whether a process has ended, with all its threads, be it that nobody has waited for it yet.
inline bool gone(pid_t process) {
  if (::kill(process, 0) != 0) {
    return true;
  }
  std::error_code ended;
  const std::filesystem::directory_iterator threads("/proc/" + std::to_string(process) + "/task",
                                                    ended);
  return ended || (process_state(process) == 'Z' && std::distance(begin(threads), {}) == 1);
}

inline void freeze_and_await(pid_t process) {
  ::kill(process, SIGSTOP);
  eventually([=] { return process_state(process) == 'T'; });
}

inline void kill_and_await(pid_t process) {
  ::kill(process, SIGKILL);
  eventually([=] { return gone(process); });
}

}  // namespace test
