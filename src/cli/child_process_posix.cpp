// Forking, waiting, killing.
#include "child_process.hpp"

#include <cerrno>
#include <exception>
#include <system_error>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "outcome.hpp"

namespace millrace::cli {

namespace {

int run_in_child(const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const error& problem) {
    report(explain(problem));
  } catch (const std::exception& problem) {
    report({exit_code::failed, problem.what()});
  }
  return static_cast<int>(exit_code::failed);
}

}  // namespace

child_process::child_process(const std::function<void()>& work) {
  const pid_t parent = getpid();
  id_ = fork();
  if (id_ < 0) {
    throw failure(exit_code::failed, fmt::format("cannot start a process: {}; end some others",
                                                 std::generic_category().message(errno)));
  }
  if (id_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
      _exit(static_cast<int>(exit_code::failed));  // it died before the line above
    }
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction ignore {};
      ignore.sa_handler = SIG_IGN;
      sigemptyset(&ignore.sa_mask);
      sigaction(signal, &ignore, nullptr);
    }
    _exit(run_in_child(work));
  }
}

child_process::~child_process() {
  if (running_) {
    kill(id_, SIGKILL);
    while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

bool child_process::failed() {
  int how = 0;
  if (running_ && waitpid(id_, &how, WNOHANG) == id_) {
    running_ = false;
    failed_ = !WIFEXITED(how) || WEXITSTATUS(how) != 0;
  }
  return failed_;
}

int own_process_id() {
  return getpid();
}

}  // namespace millrace::cli
