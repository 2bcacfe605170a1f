// The scratch directory.
#include "support/scratch.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <unistd.h>

#include <millrace/queue/inspect.hpp>

namespace test {

namespace fs = std::filesystem;

scratch::scratch() {
  const fs::path base =
      ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
  std::string pattern = base / "millrace-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot make a scratch directory " + pattern);
  }
  path_ = pattern;
}

scratch::~scratch() {
  // Through the library first: that takes the queues' semaphores along.
  try {
    for (const auto& name : millrace::list(path_)) {
      millrace::remove(name, path_);
    }
  } catch (const std::exception&) {  // a case left something odd in here on purpose
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

millrace::queue_options scratch::options(std::size_t capacity, std::size_t block_size) const {
  millrace::queue_options options;
  options.capacity = capacity;
  options.block_size = block_size;
  options.directory = path_;
  return options;
}

std::vector<std::string> scratch::entries() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::size_t named_semaphores() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/dev/shm")) {
    count += entry.path().filename().string().starts_with("sem.millrace-") ? 1 : 0;
  }
  return count;
}

}  // namespace test
