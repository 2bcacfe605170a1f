// The report of millrace_bench.
#include <algorithm>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "report/tables.hpp"
#include "report/text.hpp"

namespace bench {

namespace {

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

/// A block per peer for gnuplot, headed by its name: size, messages a second.
void plot_lines(const record& r, const std::string& question, const std::filesystem::path& file) {
  std::ofstream data(file);
  columns wanted;
  for (const std::string& size : distinct(r, question, &named::parties))
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

std::string heading(const std::string& size) {
  return bytes(std::stoul(size));
}
std::string bar(const std::string& size, const char* figure) {
  return figure == rate ? heading(size) : figure;
}

}  // namespace

void write_answers(const record& r, std::ostream& table, json& all) {
  write_ratios(r, goals, table, all);
  write_limits(r, table, all);
  write_question(r, "Enqueue and dequeue on one thread", "pair", "real_time", duration, table,
                 heading);
  write_question(r, "One way, one process to one, copied in and out", "one_way", rate, per_second,
                 table, heading);
  write_question(r,
                 "One way, every cache line written by the sender and read by the receiver, in "
                 "place where the peer can",
                 "one_way_in_place", rate, per_second, table, heading);
  write_question(r, "One way as above, through a buffer of 4096 messages instead of 256",
                 "one_way_deep", rate, per_second, table, heading);
  write_question(r, "Two processes to two", "two_to_two", rate, per_second, table, heading);
  write_trips(r, "Round trip of 64 B, spinning", "round_trip_spinning", table);
  write_trips(r, "Round trip of 64 B, sleeping", "round_trip_sleeping", table);
}

void write_plots(const record& r, const std::filesystem::path& directory) {
  plot_bars(r, "pair", {{"3", rate}, {"50", rate}}, directory / "pair.dat", bar);
  plot_lines(r, "one_way", directory / "one_way.dat");
  plot_lines(r, "one_way_in_place", directory / "one_way_in_place.dat");
  plot_bars(r, "two_to_two", {{"8", rate}, {"64", rate}}, directory / "two_to_two.dat", bar);
  for (const std::string how : {"spinning", "sleeping"})
    plot_bars(r, "round_trip_" + how, {{"64", p50}, {"64", "p99_ns"}, {"64", "p999_ns"}},
              directory / ("round_trip_" + how + ".dat"), bar);
}

}  // namespace bench
