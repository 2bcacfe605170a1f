#include "record.hpp"

#include <fstream>

namespace bench {

namespace {

/// question/peer/size, without what Google Benchmark appends.
std::string short_name(const json& run) {
  std::string name = run.at("name");
  for (const char* suffix : {"/iterations:", "/manual_time"})
    name.resize(std::min(name.size(), name.find(suffix)));
  return name;
}

double nanoseconds_in(const std::string& unit) {
  return unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 1;
}

}  // namespace

record read(const std::vector<std::filesystem::path>& files) {
  record r;
  for (std::size_t round = 0; round < files.size(); ++round) {
    const json file = json::parse(std::ifstream(files[round]));
    if (round == 0)
      r.context = file.at("context");
    for (const json& run : file.at("benchmarks")) {
      const std::string name = short_name(run);
      if (std::ranges::find(r.names, name) == r.names.end())
        r.names.push_back(name);
      if (run.value("error_occurred", false)) {
        r.failed[name] = run.at("error_message");
        continue;
      }
      auto& figures = r.measured[name][round];
      figures["real_time"] =
          run.at("real_time").get<double>() * nanoseconds_in(run.at("time_unit"));
      for (const char* figure : {rate, p50, "p99_ns", "p999_ns", "max_ns"})
        if (run.contains(figure))
          figures[figure] = run.at(figure);
    }
  }
  return r;
}

spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return {.median = (values[(n - 1) / 2] + values[n / 2]) / 2,
          .least = values.front(),
          .most = values.back(),
          .count = n};
}

std::vector<double> values_of(const record& r, const std::string& name, const char* figure) {
  std::vector<double> values;
  if (const auto found = r.measured.find(name); found != r.measured.end())
    for (const auto& [round, figures] : found->second)
      if (const auto f = figures.find(figure); f != figures.end())
        values.push_back(f->second);
  return values;
}

double median_of(const record& r, const std::string& name, const char* figure) {
  const auto values = values_of(r, name, figure);
  return values.empty() ? 0 : spread_of(values).median;
}

std::vector<double> ratios_of(const record& r, const std::string& subject_name,
                              const std::string& reference_name, const char* figure) {
  std::vector<double> ratios;
  const auto subject = r.measured.find(subject_name);
  const auto reference = r.measured.find(reference_name);
  if (subject == r.measured.end() || reference == r.measured.end())
    return ratios;
  for (const auto& [round, figures] : subject->second)
    if (const auto same = reference->second.find(round); same != reference->second.end())
      ratios.push_back(figures.at(figure) / same->second.at(figure));
  return ratios;
}

named parse(const std::string& name) {
  const auto first = name.find('/');
  const auto second = name.find('/', first + 1);
  return {name.substr(0, first), name.substr(first + 1, second - first - 1),
          name.substr(second + 1)};
}

}  // namespace bench
