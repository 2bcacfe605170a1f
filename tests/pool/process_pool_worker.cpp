// The workers of the process pools of tests: they do what the request says. Arguments: "dies", at
// once; "behind", it starts the worker as a shell would; "slow", it has requests in its hands for
// most of the time.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <millrace/pool/worker.hpp>

namespace {

using millrace::worker_reply;
using millrace::worker_request;

[[noreturn]] void hang() {
  for (;;) {
    ::pause();
  }
}

/// As a program with a stray pointer would.
[[noreturn]] void corrupt_the_heap() {
  std::vector<char*> pieces;
  for (int i = 0; i < 100; ++i) {
    pieces.push_back(static_cast<char*>(std::malloc(64)));
  }
  for (char* piece : pieces) {
    volatile char* beyond = piece - 16;
    for (int i = 0; i < 96; ++i) {
      beyond[i] = static_cast<char>(0x5A);
    }
  }
  for (char* piece : pieces) {
    std::free(piece);
  }
  std::abort();
}

void answer(const worker_request& r, worker_reply& reply, std::map<std::uint64_t, int>& counts) {
  const std::string text(r.text());
  const std::string what = text.substr(0, text.find(' '));
  const std::string rest = what.size() < text.size() ? text.substr(what.size() + 1) : "";
  if (what == "count") {  // of the requests of this key to this process
    (void)reply.send(std::to_string(++counts[r.key]));
  } else if (what == "pid") {
    (void)reply.send(std::to_string(::getpid()));
  } else if (what == "die") {
    ::raise(SIGKILL);
  } else if (what == "die_once") {
    if (!r.redelivered) {
      ::raise(SIGKILL);
    }
    (void)reply.send("alive");
  } else if (what == "reply_and_die") {
    (void)reply.send("last words");
    ::raise(SIGKILL);
  } else if (what == "reply_and_die_once") {
    (void)reply.send("last words");
    if (!r.redelivered) {
      ::raise(SIGKILL);
    }
  } else if (what == "reply_and_freeze") {
    (void)reply.send("cold");
    ::raise(SIGSTOP);
  } else if (what == "corrupt") {
    corrupt_the_heap();
  } else if (what == "throw") {
    throw std::runtime_error(rest);
  } else if (what == "throw_long") {
    throw std::runtime_error(std::string(std::stoul(rest), 'w'));
  } else if (what == "throw_number") {
    throw 42;
  } else if (what == "hang") {
    hang();
  } else if (what == "freeze") {
    ::raise(SIGSTOP);
    (void)reply.send("thawed");
  } else if (what == "sleep") {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(rest)));
  } else if (what == "reserve") {
    if (const auto room = reply.reserve(std::stoul(rest))) {
      std::memset(room->data(), 'r', room->size());
    }
  } else if (what == "send") {
    (void)reply.send(std::string(std::stoul(rest), 's'));
  } else if (what == "twice") {
    (void)reply.send("first");
    if (reply.send("second") != millrace::status::closed) {
      std::abort();
    }
  } else if (what == "processors") {
    cpu_set_t mine;
    ::sched_getaffinity(0, sizeof mine, &mine);
    (void)reply.send(std::to_string(CPU_COUNT(&mine)) + " " +
                     (CPU_ISSET(0, &mine) ? "with" : "without"));
  } else {
    (void)reply.send(r.bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto seat = millrace::worker_seat::find(argc, argv);
  if (!seat) {
    return 2;
  }
  const std::string_view mode = argv[1];
  if (mode == "dies") {
    return 1;
  }
  if (mode == "behind") {
    if (const pid_t child = ::fork(); child != 0) {
      ::waitpid(child, nullptr, 0);
      return 0;
    }
  }
  std::map<std::uint64_t, int> counts;
  return millrace::serve(*seat, [&](const worker_request& r, worker_reply& reply) {
    if (mode == "slow") {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    answer(r, reply, counts);
  });
}
