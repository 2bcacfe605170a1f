// A program started beside this one: its standard input and output are pipes to us, its errors go
// where ours go. None of the calls waits, except the end of a child's life.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sample {

class child {
 public:
  child(const std::filesystem::path& program, const std::vector<std::string>& arguments);
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  /// Kills it if it still runs.
  ~child();

  /// Gives the child as much of `text` as its pipe takes and cuts that off.
  void write_some(std::string& text);
  /// Tells the child that nothing more comes.
  void end_input();
  /// Appends what the child has printed since.
  void read_some(std::string& text);
  /// How it ended, or nothing while it runs: "exit status 0", "killed by signal 9".
  const std::optional<std::string>& ended();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;   // we write
  int output_ = -1;  // we read
  std::optional<std::string> end_;
};

inline constexpr const char* success = "exit status 0";

}  // namespace sample
