// The watchdog: SIGALRM, a table of children, and nothing in the handler but async-signal-safe
// calls.
#include "support/watchdog.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>

#include <unistd.h>

namespace test {
namespace {

std::array<std::atomic<pid_t>, 256> processes;
std::atomic<const char*> current_case{"(no case)"};

void say(const char* text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void time_is_up(int) {
  say("watchdog: this test case hangs: ");
  say(current_case.load());
  say("\n");
  for (auto& process : processes) {
    if (const pid_t pid = process.load(); pid > 0) {
      ::kill(pid, SIGKILL);
    }
  }
  ::_exit(99);
}

}  // namespace

void allow(unsigned seconds) {
  struct sigaction action {};
  action.sa_handler = time_is_up;
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(seconds);
}

void watch_case(const char* name) {
  current_case = name;
  allow(400);
}

void watch_process(pid_t pid) {
  for (auto& process : processes) {
    pid_t none = 0;
    if (process.compare_exchange_strong(none, pid)) {
      return;
    }
  }
}

void forget_process(pid_t pid) {
  for (auto& process : processes) {
    pid_t expected = pid;
    if (process.compare_exchange_strong(expected, 0)) {
      return;
    }
  }
}

}  // namespace test
