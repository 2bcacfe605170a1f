// Processes of a test: forked ones that run a function, or other programs.
#pragma once

#include <cstddef>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

namespace test {

/// A process that ends no later than this object, the test, or the watchdog's patience.
class child {
 public:
  /// Forks. The child runs `body` and exits with what it returns; an exception is printed, and the
  /// exit code is then 1.
  [[nodiscard]] static child run(const std::function<int()>& body);
  /// Whether `body` ends without an exception in a process of its own.
  [[nodiscard]] static bool succeeds(const std::function<void()>& body);
  /// Starts another program.
  [[nodiscard]] static child execute(const std::vector<std::string>& command);
  child(child&& other) noexcept;
  child& operator=(child&& other) noexcept;
  ~child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for its end. The exit code, or 1000 + the signal that killed it.
  int wait();
  /// Kills it, at once and for good.
  void kill();
  /// Stops it and returns when it is stopped; lets it go on again.
  void freeze() const;
  void thaw() const;

 private:
  explicit child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

/// A turnstile between processes: made before the fork, opened on one side, awaited on the other.
class gate {
 public:
  gate();
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;
  ~gate();
  void open() const;
  /// Returns when opened as often as awaited. Throws when nobody is left to open it.
  void await() const;

 private:
  int ends_[2];
};

/// For processes that have no doctest to report to: throws, with the place, unless it holds.
void expect(bool holds, const std::string& what = "",
            std::source_location place = std::source_location::current());

/// Bytes that a process, this one unless told, has in the machine's memory.
[[nodiscard]] std::size_t resident_memory(pid_t pid = ::getpid());

/// The state letter of /proc/PID/stat: R running, S sleeping, T stopped, Z ended.
[[nodiscard]] char process_state(pid_t pid);

/// Polls until `condition` holds; the watchdog sees to the case that it never does.
void eventually(const std::function<bool()>& condition);

}  // namespace test
