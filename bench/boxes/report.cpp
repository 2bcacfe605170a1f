// The report of millrace_box_bench.
#include <algorithm>
#include <fstream>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "../report/tables.hpp"
#include "../report/text.hpp"

namespace bench {

namespace {

constexpr auto time = "real_time";
constexpr goal goals[] = {
    {"deliver and receive 8 B on one thread, blocking", "box_pair/millrace_blocking/8",
     "box_pair/mpmc_queue/8", time, 0.6},
    {"one thread to another, 296 B, blocking", "box_one_way/millrace_blocking/296",
     "box_one_way/mutex_deque/296", rate, 3},
    {"one thread to another, 296 B, blocking", "box_one_way/millrace_blocking/296",
     "box_one_way/moodycamel/296", rate, 2},
    {"one thread to another, 296 B, waiting", "box_one_way/millrace_waiting/296",
     "box_one_way/mutex_deque/296", rate, 3},
    {"one thread to another, 296 B, waiting", "box_one_way/millrace_waiting/296",
     "box_one_way/moodycamel/296", rate, 2},
    {"one thread to another, 296 B, unlimited", "box_one_way/millrace_unlimited/296",
     "box_one_way/mutex_deque/296", rate, 3},
    {"one thread to another, 296 B, unlimited", "box_one_way/millrace_unlimited/296",
     "box_one_way/moodycamel/296", rate, 2},
    {"call between spinning threads, p50", "call_spinning/millrace_blocking/1:1",
     "call_spinning/raw/1:1", p50, 2},
};

constexpr auto call = "call/coroutines_1/1:1";
constexpr double call_limit = 250;  // nanoseconds

/// The same workload with unliftio-messagebox 2.0, in milliseconds, for orientation: on another
/// day, on a machine like this one, with 1 and with 2 capabilities. 0: not measured.
struct original {
  const char* question;
  const char* parties;
  double by_1, by_2;

  [[nodiscard]] double best() const { return by_1 == 0 ? by_2 : std::min(by_1, by_2); }
};
constexpr original originals[] = {
    {"messages_unlimited", "1:1", 60, 16},
    {"messages_unlimited", "10:100", 13, 33},
    {"messages_unlimited", "1000:1", 67, 72},
    {"messages_blocking", "1:1", 7, 14},
    {"messages_blocking", "10:100", 14, 46},
    {"messages_blocking", "1000:1", 34, 75},
    {"messages_waiting", "1:1", 0, 0},
    {"messages_waiting", "10:100", 0, 0},
    {"messages_waiting", "1000:1", 0, 0},
    {"casts", "1:1", 0, 58},
    {"casts", "10:10", 0, 117},
    {"casts", "1000:1", 0, 180},
    {"calls", "500:10:500", 0, 372},
    {"media_mixing", "100:1000:4", 0, 467},
};
constexpr double share_of_original = 0.5;

constexpr const char* ways[] = {"coroutines_1", "coroutines_2", "threads"};

double by(const record& r, const std::string& question, const char* way, const char* parties) {
  return median_of(r, fmt::format("{}/{}/{}", question, way, parties), time);
}

/// The best of our ways, in nanoseconds; 0: not measured.
double best_of(const record& r, const std::string& question, const char* parties) {
  double best = 0;
  for (const char* way : ways)
    if (const double t = by(r, question, way, parties); t > 0 && (best == 0 || t < best))
      best = t;
  return best;
}

void write_originals(const record& r, std::ostream& table, json& all) {
  table << "\n| workload | parties |";
  for (const char* way : ways)
    fmt::print(table, " {} |", way);
  table << " Haskell original, best | our best / original | at most 0.5x "
           "|\n|---|---|---|---|---|---|---|---|\n";
  const auto row = [&](const std::string& question, const original& o, bool must_reach) {
    const double best = best_of(r, question, o.parties);
    if (best == 0)
      return;
    fmt::print(table, "| {} | {} |", question, o.parties);
    for (const char* way : ways)
      fmt::print(table, " {} |", duration(by(r, question, way, o.parties)));
    json entry = {{"workload", question}, {"parties", o.parties}, {"best_ns", best}};
    if (o.best() == 0) {
      table << " - | - | |\n";
    } else {
      const double ratio = best / (o.best() * 1e6);
      const bool reached = ratio <= share_of_original;
      fmt::print(table, " {:.3g} ms | {:.2f}x | {} |\n", o.best(), ratio,
                 !must_reach ? ""
                 : reached   ? "reached"
                             : "**missed**");
      entry.update({{"original_ns", o.best() * 1e6}, {"ratio", ratio}});
      if (must_reach)
        entry["reached"] = reached;
    }
    all["originals"].push_back(entry);
  };
  for (const original& o : originals)
    row(o.question, o, true);
  for (const original& o : originals)  // the original never builds its strings
    row(fmt::format("{}_strings", o.question), o, false);
}

void write_call(const record& r, std::ostream& table, json& all) {
  const double t = median_of(r, call, time);
  if (t == 0)
    return;
  const bool reached = t <= call_limit;
  fmt::print(table,
             "\n| question | to reach | measured | |\n|---|---|---|---|\n"
             "| call between two coroutines on one thread | at most {} | {} | {} |\n",
             duration(call_limit), duration(t), reached ? "reached" : "**missed**");
  all["limits"].push_back(
      {{"subject", call}, {"to_reach_ns", call_limit}, {"median_ns", t}, {"reached", reached}});
}

/// A row per workload for gnuplot, in milliseconds, and the original's best last.
void plot_workloads(const record& r, const std::filesystem::path& file) {
  std::ofstream data(file);
  fmt::print(data, "workload {} \"Haskell original\"\n", fmt::join(ways, " "));
  for (const original& o : originals) {
    if (best_of(r, o.question, o.parties) == 0)
      continue;
    fmt::print(data, "\"{} {}\"", o.question, o.parties);
    for (const char* way : ways)
      fmt::print(data, " {}", by(r, o.question, way, o.parties) / 1e6);
    fmt::print(data, " {}\n", o.best());
  }
}

std::string same(const std::string& parties) {
  return parties;
}

}  // namespace

void write_answers(const record& r, std::ostream& table, json& all) {
  write_ratios(r, goals, table, all);
  write_call(r, table, all);
  write_originals(r, table, all);
  const auto question = [&](const char* title, const std::string& name) {
    write_question(r, title, name, time, duration, table, same);
  };
  question("Deliver and receive a 64-bit integer on one thread, by its size", "box_pair");
  question("100,000 messages from one thread to another, by their size in bytes", "box_one_way");
  for (const std::string text : {"", "_strings"})
    for (const std::string policy : {"unlimited", "blocking", "waiting"})
      question(("100,000 messages, " + policy + (text.empty() ? "" : ", with strings")).c_str(),
               "messages_" + policy + text);
  question("A call, from being made to its reply, coroutines on one thread", "call");
}

void write_plots(const record& r, const std::filesystem::path& directory) {
  plot_workloads(r, directory / "workloads.dat");
  const auto bars = [&](const char* name, const char* parties) {
    plot_bars(r, name, {{parties, time}}, directory / fmt::format("{}.dat", name),
              [](const std::string&, const char*) { return std::string("time"); });
  };
  bars("box_pair", "8");
  bars("box_one_way", "296");
}

}  // namespace bench
