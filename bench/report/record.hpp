// What benchmarks measured, in several rounds, and their names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

namespace bench {

using json = nlohmann::ordered_json;

inline constexpr auto rate = "items_per_second";
inline constexpr auto p50 = "p50_ns";

/// A benchmark's figures, a map per round that it was in, by the number of the round.
using by_round = std::map<std::size_t, std::map<std::string, double>>;

struct record {
  json context;
  std::vector<std::string> names;  // in the order in which they were measured
  std::map<std::string, by_round> measured;
  std::map<std::string, std::string> failed;
};

/// Reads what Google Benchmark wrote, a file for each round.
[[nodiscard]] record read(const std::vector<std::filesystem::path>& files);

struct spread {
  double median, least, most;
  std::size_t count;
};

[[nodiscard]] spread spread_of(std::vector<double> values);
/// Of the rounds in which it was measured.
[[nodiscard]] std::vector<double> values_of(const record& r, const std::string& name,
                                            const char* figure);
/// 0 if it was not measured.
[[nodiscard]] double median_of(const record& r, const std::string& name, const char* figure);
/// The ratio within each round: what is divided was measured a few seconds apart, so the machine's
/// slow changes cancel out.
[[nodiscard]] std::vector<double> ratios_of(const record& r, const std::string& subject,
                                            const std::string& reference, const char* figure);

/// question/peer/parties
struct named {
  std::string question, peer, parties;  // or, for parties, the size of a message
};

[[nodiscard]] named parse(const std::string& name);

/// The values that a part of the names has among a question's benchmarks, in measured order.
template <class Part>
auto distinct(const record& r, const std::string& question, Part part) {
  std::vector<std::decay_t<std::invoke_result_t<Part, named>>> found;
  for (const std::string& name : r.names) {
    const named n = parse(name);
    if (n.question == question && std::ranges::find(found, std::invoke(part, n)) == found.end())
      found.push_back(std::invoke(part, n));
  }
  return found;
}

}  // namespace bench
