// Starting, watching and ending processes.
#include "support/child.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/watchdog.hpp"

// In coverage builds: what a process did counts although it leaves by _exit.
extern "C" void __gcov_dump() __attribute__((weak));

namespace test {
namespace {

pid_t fork_watched() {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw std::runtime_error("fork failed");
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(98);
    }
  } else {
    watch_process(pid);
  }
  return pid;
}

}  // namespace

child child::run(const std::function<int()>& body) {
  const pid_t pid = fork_watched();
  if (pid == 0) {
    int code = 1;
    try {
      code = body();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "in a child process: %s\n", problem.what());
    }
    std::fflush(nullptr);
    if (__gcov_dump != nullptr) {
      __gcov_dump();
    }
    ::_exit(code);
  }
  return child(pid);
}

bool child::succeeds(const std::function<void()>& body) {
  auto one = run([&] {
    body();
    return 0;
  });
  return one.wait() == 0;
}

child child::execute(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t pid = fork_watched();
  if (pid == 0) {
    ::execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    ::_exit(97);
  }
  return child(pid);
}

child::child(child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

child& child::operator=(child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, 0);
  }
  return *this;
}

child::~child() {
  kill();
}

void child::signal(int number) const {
  if (pid_ > 0) {
    ::kill(pid_, number);
  }
}

int child::wait() {
  if (pid_ <= 0) {
    throw std::logic_error("waiting for a process that has been waited for");
  }
  int result = -1;
  do {
    if (::waitpid(pid_, &result, 0) < 0 && errno != EINTR) {
      throw std::runtime_error("waitpid failed");
    }
  } while (!WIFEXITED(result) && !WIFSIGNALED(result));  // one that is traced also shows its stops
  forget_process(pid_);
  pid_ = 0;
  return WIFEXITED(result) ? WEXITSTATUS(result) : 1000 + WTERMSIG(result);
}

void child::kill() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
}

void child::freeze() const {
  signal(SIGSTOP);
  eventually([this] { return process_state(pid_) == 'T'; });
}

void child::thaw() const {
  signal(SIGCONT);
}

gate::gate() {
  if (::pipe2(ends_, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe failed");
  }
}

gate::~gate() {
  ::close(ends_[0]);
  ::close(ends_[1]);
}

void gate::open() const {
  const char token = 1;
  if (::write(ends_[1], &token, 1) != 1) {
    throw std::runtime_error("cannot open a gate");
  }
}

void gate::await() const {
  char token = 0;
  ssize_t got = 0;
  do {
    got = ::read(ends_[0], &token, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) {
    throw std::runtime_error("nobody is left to open the gate");
  }
}

void expect(bool holds, const std::string& what, std::source_location place) {
  if (!holds) {
    throw std::runtime_error(std::string(place.file_name()) + ":" + std::to_string(place.line()) +
                             ": not as expected: " + what);
  }
}

char process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // the name before it may hold anything
  return name_end == std::string::npos || name_end + 2 >= text.size() ? '?' : text[name_end + 2];
}

std::size_t resident_memory(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::getpagesize());
}

void eventually(const std::function<bool()>& condition) {
  while (!condition()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace test
