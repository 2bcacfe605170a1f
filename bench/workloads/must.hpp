#pragma once

#include <cstdio>
#include <cstdlib>

namespace bench {

/// Ends the program if not: with one party gone the others would wait for ever.
inline void must(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "workload: %s\n", what);
    std::abort();
  }
}

}  // namespace bench
