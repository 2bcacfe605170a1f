// Forking, pinning, watching and meeting.
#include "processes.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bench {

namespace {

constexpr unsigned longest_run_seconds = 60;

struct first_failure {
  std::atomic<bool> taken = false;
  std::atomic<bool> written = false;
  char text[1000] = {};

  void write(const char* what) noexcept {
    if (taken.exchange(true))
      return;
    std::strncpy(text, what, sizeof(text) - 1);
    written = true;
  }
};

[[noreturn]] void live(const process& self, pid_t parent, first_failure& failed) noexcept {
  int code = EXIT_FAILURE;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(EXIT_FAILURE);  // it died before the line above
    alarm(longest_run_seconds);
    if (self.cpu != any_cpu)
      pin(self.cpu);
    self.body();
    code = EXIT_SUCCESS;
  } catch (const std::exception& e) {
    failed.write(e.what());
  }
  // Without running what the parent registered for its own exit.
  _exit(code);
}

}  // namespace

void fail(const std::string& what) {
  throw failure(fmt::format("{}: {}", what, std::strerror(errno)));
}

void pin(int cpu) {
  const auto cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu % cpus), &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0)
    fail("pin to a CPU");
}

shared_memory::shared_memory(std::size_t size)
    : size_(size),
      data_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
  if (data_ == MAP_FAILED)
    fail("map shared memory");
}

shared_memory::~shared_memory() {
  munmap(data_, size_);
}

void meeting::wait_for(unsigned count) const noexcept {
  while (arrived_.load() < count)
    sched_yield();
}

void run(const std::vector<process>& processes) {
  shared<first_failure> failed;
  const pid_t parent = getpid();
  std::vector<pid_t> running;
  bool all_well = true;
  for (const process& p : processes) {
    const pid_t pid = fork();
    if (pid == 0)
      live(p, parent, *failed);
    if (pid < 0) {
      failed->write("cannot fork");
      all_well = false;
      break;
    }
    running.push_back(pid);
  }
  const auto kill_all = [&] {
    for (const pid_t pid : running)
      kill(pid, SIGKILL);
  };
  if (!all_well)
    kill_all();
  while (!running.empty()) {
    int status = 0;
    const pid_t pid = wait(&status);
    if (pid < 0 || std::erase(running, pid) == 0)
      continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
      continue;
    if (all_well && WIFSIGNALED(status)) {
      failed->write(WTERMSIG(status) == SIGALRM
                        ? "took longer than a minute"
                        : fmt::format("killed by signal {}", WTERMSIG(status)).c_str());
    }
    all_well = false;
    kill_all();
  }
  if (!all_well)
    throw failure(failed->written ? failed->text : "a process failed without a word");
}

std::string unique_name() {
  static int count = 0;
  return fmt::format("millrace-bench-{}-{}", getpid(), ++count);
}

std::string unique_path() {
  return std::filesystem::temp_directory_path() / unique_name();
}

}  // namespace bench
