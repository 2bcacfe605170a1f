// The questions that are asked of every peer. Each registers its benchmarks, named
// question/peer/message size.
#pragma once

#include <cstddef>
#include <string>

#include <fmt/format.h>

namespace bench {

void ask_pair();
void ask_one_way();
void ask_round_trip();
void ask_two_to_two();
void ask_recovery();

inline std::string name_of(const char* question, const char* peer, std::size_t size) {
  return fmt::format("{}/{}/{}", question, peer, size);
}

}  // namespace bench
