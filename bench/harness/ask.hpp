// What a program of benchmarks is made of.
#pragma once

#include <string>

#include <fmt/format.h>

namespace bench {

/// Registers all benchmarks of this program.
void ask();

/// `what`: the size of a message, or the parties of a workload.
template <class What>
std::string name_of(const char* question, const char* peer, const What& what) {
  return fmt::format("{}/{}/{}", question, peer, what);
}

}  // namespace bench
