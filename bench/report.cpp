// Compares the answers of millrace_bench: reads the JSON of several rounds, writes the table of
// ratios against what millrace is to reach, all medians, and the data files of the plots.
// Usage: bench_report OUTPUT-DIRECTORY ROUND.json...
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <nlohmann/json.hpp>

namespace {

using json = nlohmann::ordered_json;

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

constexpr auto rate = "items_per_second";
constexpr auto p50 = "p50_ns";
constexpr goal goals[] = {
    {"pair on one thread, 3 B, shared", "pair/millrace_shared/3", "pair/boost/3", rate, 1.3},
    {"pair on one thread, 3 B, exclusive", "pair/millrace_exclusive/3", "pair/boost/3", rate, 4},
    {"pair on one thread, 50 B, shared", "pair/millrace_shared/50", "pair/boost/50", rate, 1.3},
    {"pair on one thread, 50 B, exclusive", "pair/millrace_exclusive/50", "pair/boost/50", rate, 4},
    {"one way 8 B, shared", "one_way/millrace_shared/8", "one_way/boost/8", rate, 3},
    {"one way 8 B, exclusive", "one_way/millrace_exclusive/8", "one_way/boost/8", rate, 8},
    {"one way 64 B, shared", "one_way/millrace_shared/64", "one_way/boost/64", rate, 3},
    {"one way 64 B, exclusive", "one_way/millrace_exclusive/64", "one_way/boost/64", rate, 8},
    {"one way 1 KiB, shared", "one_way/millrace_shared/1024", "one_way/boost/1024", rate, 3},
    {"one way 1 KiB, exclusive", "one_way/millrace_exclusive/1024", "one_way/boost/1024", rate, 4},
    {"one way 64 KiB, shared", "one_way/millrace_shared/65536", "one_way/boost/65536", rate, 1.5},
    {"one way 64 KiB, exclusive", "one_way/millrace_exclusive/65536", "one_way/boost/65536", rate,
     1.5},
    {"one way 64 KiB, shared", "one_way/millrace_shared/65536", "one_way/raw/65536", rate, 0.8},
    {"one way 64 KiB, exclusive", "one_way/millrace_exclusive/65536", "one_way/raw/65536", rate,
     0.8},
    {"one way 64 KiB, shared, zero-copy", "one_way_in_place/millrace_shared/65536",
     "one_way/boost/65536", rate, 2.5},
    {"one way 64 KiB, exclusive, zero-copy", "one_way_in_place/millrace_exclusive/65536",
     "one_way/boost/65536", rate, 2.5},
    {"round trip 64 B, spinning, p50, shared", "round_trip_spinning/millrace_shared/64",
     "round_trip_spinning/raw/64", p50, 1.5},
    {"round trip 64 B, spinning, p50, exclusive", "round_trip_spinning/millrace_exclusive/64",
     "round_trip_spinning/raw/64", p50, 1.5},
    {"round trip 64 B, sleeping, p50, shared", "round_trip_sleeping/millrace_shared/64",
     "round_trip_sleeping/raw/64", p50, 1.2},
    {"round trip 64 B, sleeping, p50, exclusive", "round_trip_sleeping/millrace_exclusive/64",
     "round_trip_sleeping/raw/64", p50, 1.2},
    {"2:2 processes, 64 B, shared", "two_to_two/millrace_shared/64", "two_to_two/boost/64", rate,
     3},
};

/// What is to be reached in time, whatever others do.
struct limit {
  const char* question;
  const char* subject;
  double nanoseconds;  // of p99
};

constexpr limit limits[] = {
    {"delivery after a publisher's death", "recovery_polling/publisher_killed/0", 10e6},
    {"delivery after a subscriber's death", "recovery_polling/subscriber_killed/0", 10e6},
    {"the same, 1 GiB of dirty memory", "recovery_polling/publisher_killed/1073741824", 100e6},
    {"the same, 1 GiB of dirty memory", "recovery_polling/subscriber_killed/1073741824", 100e6},
    // And a slice of sleep, which nobody ends.
    {"survivor asleep, publisher's death", "recovery_blocked/publisher_killed/0", 110e6},
    {"survivor asleep, subscriber's death", "recovery_blocked/subscriber_killed/0", 110e6},
    {"the same, 1 GiB of dirty memory", "recovery_blocked/publisher_killed/1073741824", 200e6},
    {"the same, 1 GiB of dirty memory", "recovery_blocked/subscriber_killed/1073741824", 200e6},
};

/// A benchmark's figures, a map per round that it was in, by the number of the round.
using rounds = std::map<std::size_t, std::map<std::string, double>>;

struct record {
  json context;
  std::vector<std::string> names;  // in the order in which they were measured
  std::map<std::string, rounds> measured;
  std::map<std::string, std::string> failed;
};

/// question/peer/size, without what Google Benchmark appends.
std::string short_name(const json& run) {
  std::string name = run.at("name");
  for (const char* suffix : {"/iterations:", "/manual_time"})
    name.resize(std::min(name.size(), name.find(suffix)));
  return name;
}

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
      for (const char* figure : {"real_time", rate, p50, "p99_ns", "p999_ns", "max_ns"})
        if (run.contains(figure))
          figures[figure] = run.at(figure);
    }
  }
  return r;
}

struct spread {
  double median, least, most;
  std::size_t count;
};

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

/// The ratio within each round: what is divided was measured a few seconds apart, so the machine's
/// slow changes cancel out.
std::vector<double> ratios_of(const record& r, const goal& g) {
  std::vector<double> ratios;
  const auto subject = r.measured.find(g.subject);
  const auto reference = r.measured.find(g.reference);
  if (subject == r.measured.end() || reference == r.measured.end())
    return ratios;
  for (const auto& [round, figures] : subject->second)
    if (const auto same = reference->second.find(round); same != reference->second.end())
      ratios.push_back(figures.at(g.figure) / same->second.at(g.figure));
  return ratios;
}

struct named {
  std::string question, peer;
  std::size_t size;
};

named parse(const std::string& name) {
  const auto first = name.find('/');
  const auto second = name.find('/', first + 1);
  return {name.substr(0, first), name.substr(first + 1, second - first - 1),
          std::stoul(name.substr(second + 1))};
}

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

std::string bytes(std::size_t size) {
  if (size >= 1 << 20)
    return fmt::format("{} MiB", size >> 20);
  if (size >= 1 << 10)
    return fmt::format("{} KiB", size >> 10);
  return fmt::format("{} B", size);
}

std::string duration(double nanoseconds) {
  if (nanoseconds <= 0)
    return "-";
  if (nanoseconds < 1e3)
    return fmt::format("{:.3g} ns", nanoseconds);
  if (nanoseconds < 1e6)
    return fmt::format("{:.3g} us", nanoseconds / 1e3);
  return fmt::format("{:.3g} ms", nanoseconds / 1e6);
}

std::string per_second(double count) {
  if (count <= 0)
    return "-";
  if (count < 1e3)
    return fmt::format("{:.0f}/s", count);
  if (count < 1e6)
    return fmt::format("{:.3g} k/s", count / 1e3);
  return fmt::format("{:.3g} M/s", count / 1e6);
}

void write_ratios(const record& r, std::ostream& table, json& all) {
  table << "| question | compared with | to reach | measured: median (min..max of rounds) | |\n"
           "|---|---|---|---|---|\n";
  for (const goal& g : goals) {
    const auto ratios = ratios_of(r, g);
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

/// Times against what is allowed: the p99 of the worst round counts, as no other figure is there to
/// take the machine's slow changes out.
void write_limits(const record& r, std::ostream& table, json& all) {
  table << "\n| question | p99 to reach | measured: p50 | p99, worst round | longest | |\n"
           "|---|---|---|---|---|---|\n";
  for (const limit& l : limits) {
    const auto p99 = values_of(r, l.subject, "p99_ns");
    if (p99.empty()) {
      fmt::print(table, "| {} | at most {} | - | - | - | not measured |\n", l.question,
                 duration(l.nanoseconds));
      continue;
    }
    const double worst = spread_of(p99).most;
    const double longest = spread_of(values_of(r, l.subject, "max_ns")).most;
    const bool reached = worst <= l.nanoseconds;
    fmt::print(table, "| {} | at most {} | {} | {} | {} | {} |\n", l.question,
               duration(l.nanoseconds), duration(median_of(r, l.subject, p50)), duration(worst),
               duration(longest), reached ? "reached" : "**missed**");
    all["limits"].push_back({{"question", l.question},
                             {"subject", l.subject},
                             {"to_reach_ns", l.nanoseconds},
                             {"p99_ns", worst},
                             {"max_ns", longest},
                             {"rounds", p99.size()},
                             {"reached", reached}});
  }
}

/// A table of one question, a row per peer and a column per size.
void write_question(const record& r, const char* title, const std::string& question,
                    const char* figure, std::string (*show)(double), std::ostream& table) {
  const auto sizes = distinct(r, question, &named::size);
  if (sizes.empty())
    return;
  fmt::print(table, "\n{}\n\n| peer |", title);
  for (const std::size_t size : sizes)
    fmt::print(table, " {} |", bytes(size));
  table << "\n|---|";
  for (std::size_t i = 0; i < sizes.size(); ++i)
    table << "---|";
  table << '\n';
  for (const std::string& peer : distinct(r, question, &named::peer)) {
    fmt::print(table, "| {} |", peer);
    for (const std::size_t size : sizes)
      fmt::print(table, " {} |",
                 show(median_of(r, fmt::format("{}/{}/{}", question, peer, size), figure)));
    table << '\n';
  }
}

void write_trips(const record& r, const char* title, const std::string& question,
                 std::ostream& table) {
  const auto peers = distinct(r, question, &named::peer);
  if (peers.empty())
    return;
  fmt::print(table, "\n{}\n\n| peer | p50 | p99 | p99.9 |\n|---|---|---|---|\n", title);
  for (const std::string& peer : peers) {
    const std::string name = fmt::format("{}/{}/64", question, peer);
    fmt::print(table, "| {} | {} | {} | {} |\n", peer, duration(median_of(r, name, p50)),
               duration(median_of(r, name, "p99_ns")), duration(median_of(r, name, "p999_ns")));
  }
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

/// The medians of a peer's figures, 0 for one that was not measured; nothing if none was.
using columns = std::vector<std::pair<std::size_t, const char*>>;  // size and figure
std::vector<double> row_of(const record& r, const std::string& question, const std::string& peer,
                           const columns& wanted) {
  std::vector<double> row;
  for (const auto& [size, figure] : wanted)
    row.push_back(median_of(r, fmt::format("{}/{}/{}", question, peer, size), figure));
  if (std::ranges::all_of(row, [](double v) { return v == 0; }))
    row.clear();
  return row;
}

/// A block per peer for gnuplot, headed by its name: size, messages a second.
void plot_lines(const record& r, const std::string& question, const std::filesystem::path& file) {
  std::ofstream data(file);
  columns wanted;
  for (const std::size_t size : distinct(r, question, &named::size))
    wanted.push_back({size, rate});
  for (const std::string& peer : distinct(r, question, &named::peer)) {
    const auto row = row_of(r, question, peer, wanted);
    if (row.empty())
      continue;
    fmt::print(data, "size \"{}\"\n", peer);
    for (std::size_t i = 0; i < row.size(); ++i)
      if (row[i] > 0)
        fmt::print(data, "{} {}\n", wanted[i].first, row[i]);
    data << "\n\n";
  }
}

/// A row per peer for gnuplot: its name, then its figures.
void plot_bars(const record& r, const std::string& question, const columns& wanted,
               const std::filesystem::path& file) {
  std::ofstream data(file);
  data << "peer";
  for (const auto& [size, figure] : wanted)
    fmt::print(data, " \"{}\"", figure == rate ? bytes(size) : figure);
  data << '\n';
  for (const std::string& peer : distinct(r, question, &named::peer)) {
    const auto row = row_of(r, question, peer, wanted);
    if (!row.empty())
      fmt::print(data, "\"{}\" {}\n", peer, fmt::join(row, " "));
  }
}

void write_all(const record& r, const std::filesystem::path& directory, std::size_t count) {
  std::filesystem::create_directories(directory);
  json all = {{"context", r.context}};
  all["context"]["rounds"] = count;

  std::ostringstream table;
  const auto context = [&](const char* key) { return r.context.value(key, "unknown"); };
  fmt::print(table, "{} rounds on {}; commit {}, {}, {}, {}\n\n", count, context("cpu"),
             context("commit"), context("compiler"), context("build_type"), context("date"));
  write_ratios(r, table, all);
  write_limits(r, table, all);
  write_question(r, "Enqueue and dequeue on one thread", "pair", "real_time", duration, table);
  write_question(r, "One way, one process to one, copied in and out", "one_way", rate, per_second,
                 table);
  write_question(r,
                 "One way, every cache line written by the sender and read by the receiver, in "
                 "place where the peer can",
                 "one_way_in_place", rate, per_second, table);
  write_question(r, "One way as above, through a buffer of 4096 messages instead of 256",
                 "one_way_deep", rate, per_second, table);
  write_question(r, "Two processes to two", "two_to_two", rate, per_second, table);
  write_trips(r, "Round trip of 64 B, spinning", "round_trip_spinning", table);
  write_trips(r, "Round trip of 64 B, sleeping", "round_trip_sleeping", table);
  if (!r.failed.empty())
    table << "\nNot measured:\n\n";
  for (const auto& [name, reason] : r.failed)
    fmt::print(table, "- {}: {}\n", name, reason);
  write_results(r, all);

  std::cout << table.str();
  std::ofstream(directory / "table.md") << table.str();
  std::ofstream(directory / "results.json") << all.dump(1) << '\n';
  plot_bars(r, "pair", {{3, rate}, {50, rate}}, directory / "pair.dat");
  plot_lines(r, "one_way", directory / "one_way.dat");
  plot_lines(r, "one_way_in_place", directory / "one_way_in_place.dat");
  plot_bars(r, "two_to_two", {{8, rate}, {64, rate}}, directory / "two_to_two.dat");
  for (const std::string how : {"spinning", "sleeping"})
    plot_bars(r, "round_trip_" + how, {{64, p50}, {64, "p99_ns"}, {64, "p999_ns"}},
              directory / ("round_trip_" + how + ".dat"));
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: bench_report OUTPUT-DIRECTORY ROUND.json...\n";
    return 2;
  }
  try {
    const std::vector<std::filesystem::path> files(words + 2, words + count);
    write_all(read(files), words[1], files.size());
  } catch (const std::exception& e) {
    std::cerr << "bench_report: " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}
