// One process of a stress test:
//   worker publish|subscribe QUEUE DIRECTORY LEDGER ID SEED MODE
// MODE is any of the letters l (loans only).
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "stress/roles.hpp"

int main(int argc, char** argv) {
  if (argc != 8) {
    return 2;
  }
  const std::string what = argv[1];
  stress::ledger book(argv[4]);
  stress::job j;
  j.queue = argv[2];
  j.options.directory = argv[3];
  j.options.open = millrace::opening::open_only;
  j.id = static_cast<std::uint32_t>(std::atoi(argv[5]));
  j.seed = static_cast<std::uint64_t>(std::atoll(argv[6]));
  j.loans_only = std::string(argv[7]).find('l') != std::string::npos;
  try {
    if (what == "publish") {
      stress::publish(j, book);
    } else {
      stress::subscribe(j, book);
    }
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s %s: %s\n", what.c_str(), argv[5], problem.what());
    ++book.failures();
    return 1;
  }
  return 0;
}
