// Does media mixing need more and more memory? Round after round in one process, which the system
// refuses more address space than is given. Prints each round's number and its resident KiB, and
// fails if they grow after a while. Usage: box_memory ROUNDS ADDRESS-SPACE-IN-MIB
#include <algorithm>
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

#include "../workloads/media_mixing.hpp"
#include "runners.hpp"

namespace {

void limit_address_space(rlim_t mebibytes) {
  const rlimit limit{.rlim_cur = mebibytes << 20, .rlim_max = mebibytes << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0) {
    throw std::system_error(errno, std::system_category(), "limit the address space");
  }
}

long resident_kibibytes() {
  long all = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/// Whether the last quarter needs more than the second one, by more than a few pages that settle
/// late.
bool grows(const std::vector<long>& rounds) {
  const auto quarter = static_cast<std::ptrdiff_t>(rounds.size() / 4);
  const long before = *std::max_element(rounds.begin() + quarter, rounds.begin() + 2 * quarter);
  const long after = *std::max_element(rounds.end() - quarter, rounds.end());
  return after > before + std::max(512L, before / 20);
}

int run(int rounds, rlim_t mebibytes) {
  // Else glibc would want a large piece of address space for each thread and, if it does not get
  // that, a page for each small piece of memory.
  mallopt(M_ARENA_MAX, 1);
  limit_address_space(mebibytes);
  // A party that ended by std::bad_alloc would leave others waiting for it.
  std::set_new_handler([] {
    std::cerr << "box_memory: the address space does not suffice\n";
    std::_Exit(EXIT_FAILURE);
  });
  const bench::coroutine_runner runner(2);
  std::vector<long> resident;
  std::cout << "round KiB\n";
  for (int i = 1; i <= rounds; ++i) {
    bench::media_mixing::run({.dsps = 100, .groups = 1000, .members = 4}, runner.where());
    resident.push_back(resident_kibibytes());
    std::cout << i << ' ' << resident.back() << std::endl;
  }
  if (grows(resident)) {
    std::cerr << "box_memory: memory grows\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int count, char** words) {
  try {
    const int rounds = count == 3 ? std::stoi(words[1]) : 0;
    if (rounds < 8) {
      std::cerr << "usage: box_memory ROUNDS ADDRESS-SPACE-IN-MIB, with 8 rounds or more\n";
      return 2;
    }
    return run(rounds, std::stoul(words[2]));
  } catch (const std::exception& e) {
    std::cerr << "box_memory: " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}
