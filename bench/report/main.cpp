// Compares the answers of a program of benchmarks: reads the JSON of several rounds, writes the
// table of ratios against what millrace is to reach, all medians, and the data files of the plots.
// Usage: PROGRAM OUTPUT-DIRECTORY ROUND.json...
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tables.hpp"

namespace {

void write_report(const bench::record& r, const std::filesystem::path& directory,
                  std::size_t rounds) {
  bench::json all = {{"context", r.context}};
  all["context"]["rounds"] = rounds;
  std::ostringstream table;
  bench::write_context(r, rounds, table);
  bench::write_answers(r, table, all);
  bench::write_failed(r, table);
  bench::write_results(r, all);

  std::cout << table.str();
  std::ofstream(directory / "table.md") << table.str();
  std::ofstream(directory / "results.json") << all.dump(1) << '\n';
  bench::write_plots(r, directory);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: " << words[0] << " OUTPUT-DIRECTORY ROUND.json...\n";
    return 2;
  }
  try {
    const std::vector<std::filesystem::path> files(words + 2, words + count);
    std::filesystem::create_directories(words[1]);
    write_report(bench::read(files), words[1], files.size());
  } catch (const std::exception& e) {
    std::cerr << words[0] << ": " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}
