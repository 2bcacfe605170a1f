// Asks all the questions, or those that --benchmark_filter names.
#include <fstream>
#include <string>

#include <benchmark/benchmark.h>

#include <millrace/version.hpp>

#include "harness/ask.hpp"

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words))
    return 2;
  benchmark::AddCustomContext("millrace", MILLRACE_VERSION);
  benchmark::AddCustomContext("cpu", cpu_model());
  benchmark::AddCustomContext("compiler", MILLRACE_BENCH_COMPILER);
  benchmark::AddCustomContext("build_type", MILLRACE_BENCH_BUILD_TYPE);
  bench::ask();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
