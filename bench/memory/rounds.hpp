// Does something need more and more memory? Round after round in one process, which the system
// refuses more address space than is given.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bench {

inline void limit_address_space(rlim_t mebibytes) {
  const rlimit limit{.rlim_cur = mebibytes << 20, .rlim_max = mebibytes << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0) {
    throw std::system_error(errno, std::system_category(), "limit the address space");
  }
}

[[nodiscard]] inline long resident_kibibytes() {
  long all = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/// Whether the last quarter needs more than the second one, by more than what settles late: each
/// thread's stores, which fill as threads happen to meet.
[[nodiscard]] inline bool grows(const std::vector<long>& rounds) {
  const auto quarter = static_cast<std::ptrdiff_t>(rounds.size() / 4);
  const long before = *std::max_element(rounds.begin() + quarter, rounds.begin() + 2 * quarter);
  const long after = *std::max_element(rounds.end() - quarter, rounds.end());
  return after > before + std::max(1024L, before / 20);
}

/// The main function of a program that is called with ROUNDS ADDRESS-SPACE-IN-MIB. Calls
/// `round(say)` so often, once `prepare()` gave it; prints each round's number and the resident KiB
/// where it calls `say()`, and fails if they grow after a while.
template <class Prepare>
int print_rounds(int count, char** words, Prepare prepare) {
  try {
    const int rounds = count == 3 ? std::stoi(words[1]) : 0;
    if (rounds < 8) {
      std::cerr << "usage: " << words[0] << " ROUNDS ADDRESS-SPACE-IN-MIB, with 8 rounds or more\n";
      return 2;
    }
    // Else glibc would want a large piece of address space for each thread and, if it does not get
    // that, a page for each small piece of memory.
    mallopt(M_ARENA_MAX, 1);
    limit_address_space(std::stoul(words[2]));
    // Who ended by std::bad_alloc would leave others waiting for it.
    std::set_new_handler([] {
      std::cerr << "the address space does not suffice\n";
      std::_Exit(EXIT_FAILURE);
    });
    auto round = prepare();
    std::vector<long> resident;
    std::cout << "round KiB\n";
    for (int i = 1; i <= rounds; ++i) {
      round([&] {
        resident.push_back(resident_kibibytes());
        std::cout << i << ' ' << resident.back() << std::endl;
      });
    }
    if (grows(resident)) {
      std::cerr << "memory grows\n";
      return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
  }
}

}  // namespace bench
