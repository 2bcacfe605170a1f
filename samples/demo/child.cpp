// Starting, feeding, reading and ending a program on a POSIX system.
#include "child.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sample {

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

void forget(int& descriptor) {
  if (descriptor >= 0)
    ::close(descriptor);
  descriptor = -1;
}

struct pipe_ends {
  int read = -1;
  int write = -1;

  // Closed on exec: an end of one child's pipe left open in another would hide its end.
  pipe_ends() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      fail(errno, "cannot make a pipe");
    read = ends[0];
    write = ends[1];
  }
  ~pipe_ends() {
    forget(read);
    forget(write);
  }
  int keep(int& end) {
    const int kept = std::exchange(end, -1);
    ::fcntl(kept, F_SETFL, O_NONBLOCK);
    return kept;
  }
};

}  // namespace

child::child(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  pipe_ends in, out;
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  // We ignore SIGPIPE; a child that prints to us after our death should not.
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  const int error =
      ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    fail(error, "cannot start " + program.string());

  input_ = in.keep(in.write);
  output_ = out.keep(out.read);
}

child::~child() {
  if (!end_) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  forget(input_);
  forget(output_);
}

void child::write_some(std::string& text) {
  const ssize_t written = ::write(input_, text.data(), text.size());
  // A full pipe is asked again later, and one whose child has died is ended()'s to tell.
  if (written > 0)
    text.erase(0, static_cast<std::size_t>(written));
}

void child::end_input() {
  forget(input_);
}

void child::read_some(std::string& text) {
  char buffer[64 * 1024];
  for (ssize_t n; (n = ::read(output_, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
}

const std::optional<std::string>& child::ended() {
  int how = 0;
  if (!end_ && ::waitpid(pid_, &how, WNOHANG) == pid_) {
    end_ = WIFSIGNALED(how) ? fmt::format("killed by signal {}", WTERMSIG(how))
                            : fmt::format("exit status {}", WEXITSTATUS(how));
  }
  return end_;
}

}  // namespace sample
