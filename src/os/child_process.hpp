// Programs that are started as child processes, and what ties them to their parent.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace millrace::os {

/// A child process, by a descriptor: its number may be another's once it was waited for, which is
/// done by this object alone, or as it ends, if the process ignores SIGCHLD. Then a child may have
/// ended before there is a descriptor, and is known to have; one that cannot have any, since too
/// many files are open, is killed, but while SIGCHLD is ignored left alone.
class child_process {
 public:
  /// Starts `program` with no signal blocked and descriptors as they are. Throws millrace::error.
  child_process(const std::filesystem::path& program, const std::vector<std::string>& arguments);
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  /// Kills it if it still runs, and waits for that.
  ~child_process();

  /// Something to show to people.
  [[nodiscard]] std::uint32_t number() const noexcept { return static_cast<std::uint32_t>(pid_); }
  /// Waits until it has ended, or `time` is over. From one thread at a time.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds time);
  /// From any thread.
  void kill() noexcept;

 private:
  int pid_ = 0;
  int descriptor_ = -1;
  bool ended_ = false;
};

/// The file of the program that runs here.
[[nodiscard]] std::filesystem::path own_program();

/// Binds the calling thread, and with it the processes that it will start. False: no such
/// processor, or it may not.
[[nodiscard]] bool pin_this_thread(int processor) noexcept;

/// In a child: has the system continue this process, if it is stopped, when the thread that started
/// it ends.
void continue_after_parent() noexcept;

/// Ends this process without calling anything that was to be called at its end.
[[noreturn]] void end_this_process(int code) noexcept;

}  // namespace millrace::os
