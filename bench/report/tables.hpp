// Parts that reports are made of: tables for people, JSON, data files for gnuplot.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record.hpp"

namespace bench {

/// What is to be reached: the subject's figure divided by the reference's. More messages a second
/// are better, so is less time.
struct goal {
  const char* question;
  const char* subject;
  const char* reference;
  const char* figure;
  double ratio;

  [[nodiscard]] bool at_least() const { return std::string_view(figure) == "items_per_second"; }
};

/// Where and with what it was measured.
void write_context(const record& r, std::size_t rounds, std::ostream& table);
void write_ratios(const record& r, std::span<const goal> goals, std::ostream& table, json& all);
/// A table of one question, a row per peer and a column per size of message, or other parties.
void write_question(const record& r, const char* title, const std::string& question,
                    const char* figure, std::string (*show)(double), std::ostream& table,
                    std::string (*heading)(const std::string&));
void write_failed(const record& r, std::ostream& table);
/// All medians.
void write_results(const record& r, json& all);

using columns = std::vector<std::pair<std::string, const char*>>;  // parties and figure
/// The medians of a peer's figures, 0 for one that was not measured; nothing if none was.
[[nodiscard]] std::vector<double> row_of(const record& r, const std::string& question,
                                         const std::string& peer, const columns& wanted);
/// A row per peer for gnuplot: its name, then its figures, each headed by what `heading` makes of
/// it.
void plot_bars(const record& r, const std::string& question, const columns& wanted,
               const std::filesystem::path& file,
               std::string (*heading)(const std::string& parties, const char* figure));

// What each program has to say itself.
void write_answers(const record& r, std::ostream& table, json& all);
void write_plots(const record& r, const std::filesystem::path& directory);

}  // namespace bench
