// A directory for the queues of one test.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <millrace/queue/options.hpp>

namespace test {

/// Fresh, in shared memory where there is some; its end removes the queues in it and then all else.
class scratch {
 public:
  scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Options of a queue in here.
  [[nodiscard]] millrace::queue_options options(std::size_t capacity = 0,
                                                std::size_t block_size = 0) const;
  /// The names of everything in here, sorted, hidden files too.
  [[nodiscard]] std::vector<std::string> entries() const;

 private:
  std::filesystem::path path_;
};

/// How many named semaphores of queues there are (Linux keeps them as files in /dev/shm).
[[nodiscard]] std::size_t named_semaphores();

}  // namespace test
