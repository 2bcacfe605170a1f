// child_process by posix_spawn and process descriptors (Linux 5.3).
#include "os/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <limits>

#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fail.hpp"

namespace millrace::os {

namespace {

/// The caller's mask may block signals, since the thread that starts children may want to have
/// none.
struct spawn_attributes {
  posix_spawnattr_t value;
  spawn_attributes() {
    posix_spawnattr_init(&value);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&value, &none);
    posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGMASK);
  }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;
  ~spawn_attributes() { posix_spawnattr_destroy(&value); }
};

/// Whether the system was told not to keep children that have ended until they are waited for
/// (SIGCHLD is ignored): then a child's number may be another process's at any time.
bool children_are_forgotten() noexcept {
  struct sigaction now {};
  return ::sigaction(SIGCHLD, nullptr, &now) != 0 || now.sa_handler == SIG_IGN ||
         (now.sa_flags & SA_NOCLDWAIT) != 0;
}

/// Whether this is a child that runs, or was not waited for yet. Not if the child was forgotten
/// before the descriptor was opened, for another process perhaps.
bool is_child(int descriptor) noexcept {
  siginfo_t how{};
  return ::waitid(P_PIDFD, static_cast<id_t>(descriptor), &how, WEXITED | WNOHANG | WNOWAIT) == 0 ||
         errno != ECHILD;
}

}  // namespace

child_process::child_process(const std::filesystem::path& program,
                             const std::vector<std::string>& arguments) {
  std::string name = program.string();
  std::vector<char*> words{name.data()};
  for (const auto& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));  // which exec promises to leave alone
  }
  words.push_back(nullptr);
  const spawn_attributes attributes;
  if (const int problem =
          ::posix_spawn(&pid_, name.c_str(), nullptr, &attributes.value, words.data(), ::environ);
      problem != 0) {
    millrace::detail::fail_system(problem, name, "starting a worker");
  }
  descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  const int problem = descriptor_ < 0 ? errno : 0;
  if (problem == 0 && !is_child(descriptor_)) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
  ended_ = descriptor_ < 0 && (problem == 0 || problem == ESRCH);
  if (descriptor_ < 0 && !ended_) {
    if (!children_are_forgotten()) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    millrace::detail::fail_system(problem, name, "watching a worker");
  }
}

child_process::~child_process() {
  kill();
  while (!ended_within(std::chrono::hours(1))) {
  }
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

bool child_process::ended_within(std::chrono::milliseconds time) {
  if (ended_) {
    return true;
  }
  struct pollfd ready {
    descriptor_, POLLIN, 0
  };
  if (::poll(&ready, 1, static_cast<int>(time.count())) <= 0) {
    return false;
  }
  siginfo_t how{};
  // ECHILD: somebody else has waited for it, or the system was told to.
  ended_ = ::waitid(P_PIDFD, static_cast<id_t>(descriptor_), &how, WEXITED) == 0 || errno == ECHILD;
  return ended_;
}

void child_process::kill() noexcept {
  (void)::syscall(SYS_pidfd_send_signal, descriptor_, SIGKILL, nullptr, 0);
}

std::filesystem::path own_program() {
  std::error_code problem;
  auto path = std::filesystem::read_symlink("/proc/self/exe", problem);
  // One that was replaced while it runs has no name any more, but can be started by this one.
  return problem || !std::filesystem::exists(path, problem) ? "/proc/self/exe" : path;
}

bool pin_this_thread(int processor) noexcept {
  if (processor < 0 || processor >= CPU_SETSIZE) {
    return false;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(processor), &one);
  return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

void continue_after_parent() noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
}

void end_this_process(int code) noexcept {
  ::_exit(code);
}

}  // namespace millrace::os
