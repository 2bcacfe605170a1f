#include "tables.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>

#include <fmt/format.h>
#include <fmt/ostream.h>

namespace bench {

void write_context(const record& r, std::size_t rounds, std::ostream& table) {
  const auto context = [&](const char* key) { return r.context.value(key, "unknown"); };
  fmt::print(table, "{} rounds on {}; commit {}, {}, {}, {}\n\n", rounds, context("cpu"),
             context("commit"), context("compiler"), context("build_type"), context("date"));
}

void write_ratios(const record& r, std::span<const goal> goals, std::ostream& table, json& all) {
  table << "| question | compared with | to reach | measured: median (min..max of rounds) | |\n"
           "|---|---|---|---|---|\n";
  for (const goal& g : goals) {
    const auto ratios = ratios_of(r, g.subject, g.reference, g.figure);
    const auto to_reach = fmt::format("{} {}x", g.at_least() ? "at least" : "at most", g.ratio);
    json entry = {{"question", g.question},
                  {"subject", g.subject},
                  {"reference", g.reference},
                  {"figure", g.figure},
                  {"to_reach", to_reach}};
    if (ratios.empty()) {
      fmt::print(table, "| {} | {} | {} | - | not measured |\n", g.question, g.reference, to_reach);
    } else {
      const spread s = spread_of(ratios);
      const bool reached = g.at_least() ? s.median >= g.ratio : s.median <= g.ratio;
      fmt::print(table, "| {} | {} | {} | {:.2f}x ({:.2f}..{:.2f} of {}) | {} |\n", g.question,
                 g.reference, to_reach, s.median, s.least, s.most, s.count,
                 reached ? "reached" : "**missed**");
      entry.update({{"median", s.median},
                    {"min", s.least},
                    {"max", s.most},
                    {"rounds", s.count},
                    {"reached", reached}});
    }
    all["ratios"].push_back(entry);
  }
}

void write_question(const record& r, const char* title, const std::string& question,
                    const char* figure, std::string (*show)(double), std::ostream& table,
                    std::string (*heading)(const std::string&)) {
  const auto headings = distinct(r, question, &named::parties);
  if (headings.empty())
    return;
  fmt::print(table, "\n{}\n\n| peer |", title);
  for (const std::string& column : headings)
    fmt::print(table, " {} |", heading(column));
  table << "\n|---|";
  for (std::size_t i = 0; i < headings.size(); ++i)
    table << "---|";
  table << '\n';
  for (const std::string& peer : distinct(r, question, &named::peer)) {
    fmt::print(table, "| {} |", peer);
    for (const std::string& column : headings)
      fmt::print(table, " {} |",
                 show(median_of(r, fmt::format("{}/{}/{}", question, peer, column), figure)));
    table << '\n';
  }
}

void write_failed(const record& r, std::ostream& table) {
  if (!r.failed.empty())
    table << "\nNot measured:\n\n";
  for (const auto& [name, reason] : r.failed)
    fmt::print(table, "- {}: {}\n", name, reason);
}

void write_results(const record& r, json& all) {
  for (const std::string& name : r.names) {
    json entry = {{"name", name}};
    if (const auto f = r.failed.find(name); f != r.failed.end())
      entry["failed"] = f->second;
    for (const char* figure : {"real_time", rate, p50, "p99_ns", "p999_ns", "max_ns"}) {
      const auto values = values_of(r, name, figure);
      if (values.empty())
        continue;
      const spread s = spread_of(values);
      entry[figure] = {
          {"median", s.median}, {"min", s.least}, {"max", s.most}, {"rounds", s.count}};
    }
    all["results"].push_back(entry);
  }
}

std::vector<double> row_of(const record& r, const std::string& question, const std::string& peer,
                           const columns& wanted) {
  std::vector<double> row;
  for (const auto& [parties, figure] : wanted)
    row.push_back(median_of(r, fmt::format("{}/{}/{}", question, peer, parties), figure));
  if (std::ranges::all_of(row, [](double v) { return v == 0; }))
    row.clear();
  return row;
}

void plot_bars(const record& r, const std::string& question, const columns& wanted,
               const std::filesystem::path& file,
               std::string (*heading)(const std::string&, const char*)) {
  std::ofstream data(file);
  data << "peer";
  for (const auto& [parties, figure] : wanted)
    fmt::print(data, " \"{}\"", heading(parties, figure));
  data << '\n';
  for (const std::string& peer : distinct(r, question, &named::peer)) {
    const auto row = row_of(r, question, peer, wanted);
    if (!row.empty())
      fmt::print(data, "\"{}\" {}\n", peer, fmt::join(row, " "));
  }
}

}  // namespace bench
