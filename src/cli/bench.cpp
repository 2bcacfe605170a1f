// millrace bench: how fast queues are on this machine, between two processes.
//
// Both processes are forked before any queue is open, and step through the same list of cases in
// lock-step: for each, one queue there and one back. Their results come back through a queue as
// well.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

#include "arguments.hpp"
#include "child_process.hpp"
#include "interruption.hpp"
#include "names.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::array<std::size_t, 4> sizes{8, 64, 1024, 65536};
constexpr std::array<role, 2> roles{role::shared, role::exclusive};
constexpr auto time_of_one_measurement = 250ms;
// The smallest message has one byte to say what it is and to spare.
constexpr std::byte ordinary{0};
constexpr std::byte last{1};

struct result {
  std::size_t size;
  role who;
  double messages_per_second;
  double p50_microseconds;
  double p99_microseconds;
};

/// The queues of one run of the verb.
class bench_queues {
 public:
  explicit bench_queues(std::filesystem::path directory)
      : directory_(std::move(directory)),
        prefix_(fmt::format("millrace-bench-{}", own_process_id())) {}

  [[nodiscard]] std::string there(std::size_t size, role who) const {
    return name(size, who, "there");
  }
  [[nodiscard]] std::string back(std::size_t size, role who) const {
    return name(size, who, "back");
  }
  [[nodiscard]] std::string results() const { return prefix_ + "-results"; }

  [[nodiscard]] queue_options options(role who) const {
    queue_options chosen;
    chosen.capacity = std::size_t{4} << 20;
    chosen.directory = directory_;
    chosen.publishers = who;
    chosen.subscribers = who;
    return chosen;
  }

  void remove_all() const {
    millrace::remove(results(), directory_);
    for (const std::size_t size : sizes) {
      for (const role who : roles) {
        millrace::remove(there(size, who), directory_);
        millrace::remove(back(size, who), directory_);
      }
    }
  }

 private:
  [[nodiscard]] std::string name(std::size_t size, role who, std::string_view direction) const {
    return fmt::format("{}-{}-{}-{}", prefix_, size, name_of(who), direction);
  }

  std::filesystem::path directory_;
  std::string prefix_;
};

void require(bool condition) {
  if (!condition) {
    throw failure(exit_code::failed, "a queue of this benchmark was removed while it ran; run it "
                                     "again");
  }
}

/// Copies the next message out, as most programs will, and says whether it was the last one.
bool receive(subscriber& from, std::span<std::byte> buffer) {
  const auto next = from.dequeue();
  require(next.has_value());
  const auto bytes = next->bytes();
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return buffer[0] == last;
}

void send(publisher& to, std::span<const std::byte> bytes) {
  require(to.enqueue(bytes) == status::ok);
}

/// Messages a second from the first one's start to the answer to the last one.
double measure_one_way(publisher& there, subscriber& back, std::span<std::byte> bytes) {
  constexpr std::uint64_t between_looks_at_the_clock = 64;
  bytes[0] = ordinary;
  std::uint64_t sent = 0;
  const auto start = clock::now();
  while (sent % between_looks_at_the_clock != 0 || clock::now() - start < time_of_one_measurement) {
    send(there, bytes);
    ++sent;
  }
  bytes[0] = last;
  send(there, bytes);
  receive(back, bytes);
  return static_cast<double>(sent + 1) /
         std::chrono::duration<double>(clock::now() - start).count();
}

/// Microseconds of round trips, sorted.
std::vector<double> measure_round_trips(publisher& there, subscriber& back,
                                        std::span<std::byte> bytes) {
  std::vector<double> times;
  times.reserve(std::size_t{1} << 18);
  const auto start = clock::now();
  auto now = start;
  while (now - start < time_of_one_measurement && times.size() < times.capacity()) {
    bytes[0] = ordinary;
    send(there, bytes);
    receive(back, bytes);
    const auto before = std::exchange(now, clock::now());
    times.push_back(std::chrono::duration<double, std::micro>(now - before).count());
  }
  bytes[0] = last;
  send(there, bytes);
  receive(back, bytes);
  std::sort(times.begin(), times.end());
  return times;
}

void run_publishing_side(const bench_queues& queues) {
  publisher results(queues.results(), queues.options(role::shared));
  for (const std::size_t size : sizes) {
    std::vector<std::byte> bytes(size);
    for (const role who : roles) {
      publisher there(queues.there(size, who), queues.options(who));
      subscriber back(queues.back(size, who), queues.options(who));
      // The first message waits for the other process to be there.
      bytes[0] = last;
      send(there, bytes);
      receive(back, bytes);
      const double speed = measure_one_way(there, back, bytes);
      const auto times = measure_round_trips(there, back, bytes);
      const result row{size, who, speed, times[times.size() / 2], times[times.size() * 99 / 100]};
      send(results, std::as_bytes(std::span(&row, 1)));
    }
  }
}

void run_answering_side(const bench_queues& queues) {
  for (const std::size_t size : sizes) {
    std::vector<std::byte> bytes(size);
    for (const role who : roles) {
      subscriber there(queues.there(size, who), queues.options(who));
      publisher back(queues.back(size, who), queues.options(who));
      receive(there, bytes);
      send(back, bytes);
      while (!receive(there, bytes)) {
      }
      send(back, bytes);
      bool ended = false;
      while (!ended) {
        ended = receive(there, bytes);
        send(back, bytes);
      }
    }
  }
}

void print(const result& row) {
  write_text(fmt::format("{:>8}  {:<9}  {:>12}  {:>10}  {:>9.2f}  {:>9.2f}\n", size_text(row.size),
                         name_of(row.who),
                         with_commas(static_cast<std::uint64_t>(row.messages_per_second)),
                         with_commas(static_cast<std::uint64_t>(
                             row.messages_per_second * static_cast<double>(row.size) / 1e6)),
                         row.p50_microseconds, row.p99_microseconds));
}

void print_results(subscriber& results, child_process& publishing, child_process& answering) {
  const interruption signals;
  write_text("Between two processes, copying in and out, blocking calls.\n"
             "                         one way                  round trip, us\n"
             " message  roles      messages/s        MB/s        p50        p99\n");
  for (std::size_t rows = 0; rows < sizes.size() * roles.size();) {
    const auto next = results.dequeue_for(100ms, signals.token());
    if (next) {
      result row{};
      std::memcpy(&row, next->bytes().data(), sizeof row);
      print(row);
      ++rows;
    } else if (signals.requested()) {
      throw interrupted();
    } else if (publishing.failed() || answering.failed()) {
      throw failure(exit_code::failed, "a process of this benchmark failed; see above, and run it "
                                       "again");
    }
  }
}

exit_code bench(const std::filesystem::path& directory) {
  const bench_queues queues(directory);
  const std::unique_ptr<const bench_queues, void (*)(const bench_queues*)> cleaning_up(
      &queues, [](const bench_queues* made) { made->remove_all(); });
  // Before there are several to say that no queue can be made here.
  subscriber results(queues.results(), queues.options(role::shared));
  child_process answering([&] { run_answering_side(queues); });
  child_process publishing([&] { run_publishing_side(queues); });
  print_results(results, publishing, answering);
  return exit_code::ok;
}

}  // namespace

void add_bench(CLI::App& app, verb& chosen) {
  auto directory = std::make_shared<std::filesystem::path>();
  CLI::App& bench_verb =
      *app.add_subcommand("bench", "Measure the queues of this machine between two processes");
  bench_verb.footer(
      "Takes a few seconds and a few MiB of --directory, both given back at its end.");
  add_directory(bench_verb, *directory);
  bench_verb.callback([directory, &chosen] { chosen = [directory] { return bench(*directory); }; });
}

}  // namespace millrace::cli
