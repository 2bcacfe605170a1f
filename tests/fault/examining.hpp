// The doctor's view of the queue "q" of a test, and its memory to be damaged.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <millrace/queue/doctor.hpp>

#include "queue/segment.hpp"
#include "support/scratch.hpp"

namespace test {

inline millrace::diagnosis examine(const scratch& directory) {
  return millrace::examine("q", directory.path());
}

inline millrace::treatment repair(const scratch& directory) {
  return millrace::repair("q", directory.path());
}

/// A queue's memory, to be damaged.
inline std::shared_ptr<millrace::detail::segment> memory_of(const scratch& directory) {
  namespace os = millrace::os;
  return millrace::detail::segment::attach(
      *os::file::open(directory.path() / "q", os::access::read_write, true),
      os::access::read_write);
}

inline std::string found_in(const millrace::diagnosis& d) {
  std::string text;
  for (const auto& each : d.findings) {
    text += std::string(about(each.what).name) + " in " + each.where + ": " + each.found + "\n";
  }
  return text;
}

inline bool finds(const millrace::diagnosis& d, millrace::fault f) {
  return std::ranges::any_of(d.findings, [&](const auto& each) { return each.what == f; });
}

}  // namespace test
