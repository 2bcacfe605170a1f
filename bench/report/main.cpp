// Compares the answers of a program of benchmarks: reads the JSON of several rounds, writes the
// table of ratios against what millrace is to reach, all medians, and the data files of the plots.
// Usage: PROGRAM OUTPUT-DIRECTORY ROUND.json...
#include <cstdlib>
#include <iostream>

#include "tables.hpp"

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: " << words[0] << " OUTPUT-DIRECTORY ROUND.json...\n";
    return 2;
  }
  try {
    const std::vector<std::filesystem::path> files(words + 2, words + count);
    std::filesystem::create_directories(words[1]);
    bench::write_report(bench::read(files), words[1], files.size());
  } catch (const std::exception& e) {
    std::cerr << words[0] << ": " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}
