// A process that is run instruction by instruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/child.hpp"

namespace test {

/// Called in a traced process: stops it until its tracer lets it go on.
[[gnu::noinline]] void marker();

/// Addresses of the instructions that a process ran between two markers, in order. One that repeats
/// itself, as a string instruction does, counts once.
using trail = std::vector<std::uintptr_t>;

/// A forked process under ptrace, on x86-64. It ends with its tracer.
class traced {
 public:
  /// Why no process can be traced here; nothing if one can.
  [[nodiscard]] static std::optional<std::string> hindrance();

  /// Forks. The child runs `body`, which calls marker(); returns when it stands at the first one.
  /// Throws, as all others here do, if it ends instead.
  explicit traced(const std::function<int()>& body);

  /// Lets it go on to the next marker.
  void run_to_marker();
  /// Runs it to the next marker one instruction at a time.
  [[nodiscard]] trail step_to_marker();
  /// Lets it go on to an instruction. False: the next marker came first.
  [[nodiscard]] bool run_to(std::uintptr_t address);
  /// Steps over `count` instructions. False: the next marker came first.
  [[nodiscard]] bool step(std::size_t count);
  /// Runs it along a trail that an equal process left, to before instruction `k` of it, or to the
  /// marker at its end if `k` is its length. False: it went another way and stands at the marker.
  [[nodiscard]] bool run_along(const trail& way, std::size_t k);
  /// Ends it where it stands.
  void kill() { process_.kill(); }
  /// Lets it go on to its end, past all markers. Its exit code, as of child::wait().
  int finish();

 private:
  void run(int how);
  [[nodiscard]] bool resume(int how);
  [[nodiscard]] bool wait_for_stop();

  child process_;
  int signal_ = 0;  // that it stopped for, to be delivered as it goes on
};

}  // namespace test
