// Streams every file of a directory tree through one queue, from two publisher processes to two
// subscriber processes (the programs of samples/publisher and samples/subscriber), then compares
// what arrived with what is on the disk. It ends with one line, and with 1 unless every file
// arrived once, byte for byte.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <millrace/millrace.hpp>
#include <unistd.h>

#include "arrivals.hpp"
#include "child.hpp"
#include "progress_bar.hpp"

namespace {

using namespace std::chrono_literals;
using sample::child;
using clock = std::chrono::steady_clock;

constexpr std::size_t ends = 2;           // publishers, and as many subscribers
constexpr auto longest_standstill = 30s;  // then something hangs, and we give up
constexpr auto between_looks = 2ms;       // at the children; also how exact the time is

volatile std::sig_atomic_t interrupted = 0;

struct tree {
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
};

tree list_tree(const std::filesystem::path& root) {
  tree found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.is_symlink())
      continue;
    found.files.push_back(entry.path().string());
    found.bytes += entry.file_size();
    if (found.files.back().find('\n') != std::string::npos)
      throw std::runtime_error("the publishers read a name a line, and this one has two: " +
                               found.files.back());
  }
  if (found.files.empty())
    throw std::runtime_error("no files in " + root.string());
  std::ranges::sort(found.files);
  return found;
}

// A new queue, gone again at the end of this object, however we come there.
class fresh_queue {
 public:
  fresh_queue() : name_(fmt::format("demo.{}", ::getpid())) {
    millrace::remove(name_);  // of an earlier process with our id that was killed
    millrace::publisher(name_, {.open = millrace::opening::create_only});
  }
  fresh_queue(const fresh_queue&) = delete;
  fresh_queue& operator=(const fresh_queue&) = delete;
  ~fresh_queue() {
    try {
      millrace::remove(name_);
    } catch (const std::exception& failure) {
      fmt::print(stderr, "demo: {}\n", failure.what());
    }
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

// The whole run: who takes part, what is still to be sent, what arrived.
class streaming {
 public:
  explicit streaming(const tree& sent) : sent_(sent) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    for (std::size_t i = 0; i < ends; ++i) {
      subscribers_.emplace_back(here / "subscriber", std::vector{queue_.name()});
      publishers_.emplace_back(here / "publisher", std::vector{queue_.name()});
    }
    for (std::size_t i = 0; i < sent.files.size(); ++i)
      to_send_[i % ends] += sent.files[i] + '\n';
  }

  // Nobody is sent anything before all are there, so that the time is that of the queue's work.
  void wait_until_all_take_part() {
    for (;; look_again()) {
      const auto present = millrace::stat(queue_.name()).participants;
      const auto takes_part = [&](const child& c) {
        return std::ranges::find(present, static_cast<std::uint32_t>(c.pid()),
                                 &millrace::participant_info::pid) != present.end();
      };
      for (child& c : publishers_)
        expect_running(c, "publisher");
      if (std::ranges::all_of(publishers_, takes_part) &&
          std::ranges::all_of(subscribers_, takes_part))
        return;
    }
  }

  void stream() {
    sample::progress_bar bar(sent_.bytes);
    start_ = last_arrival_ = last_move_ = clock::now();
    for (; !feed_publishers() || !queue_is_empty(); look_again()) {
      take_arrivals();
      bar.show(arrived_.bytes(), arrived_.messages());
    }
    take_arrivals();
  }

  // Removing the queue is how subscribers learn that it is over.
  void end_subscribers() {
    millrace::remove(queue_.name());
    removed_ = true;
    last_move_ = clock::now();
    while (!std::ranges::all_of(subscribers_, [](child& c) { return c.ended().has_value(); }))
      look_again();
    for (child& c : subscribers_)
      expect_success(c, "subscriber");
    take_arrivals();
  }

  [[nodiscard]] const sample::arrivals& arrived() const noexcept { return arrived_; }
  [[nodiscard]] double seconds() const {
    return std::max(std::chrono::duration<double>(last_arrival_ - start_).count(), 1e-9);
  }

 private:
  static void expect_success(child& c, const char* what) {
    if (*c.ended() != sample::success)
      throw std::runtime_error(fmt::format("{} {}: {}", what, c.pid(), *c.ended()));
  }
  static void expect_running(child& c, const char* what) {
    if (const auto& end = c.ended())
      throw std::runtime_error(fmt::format("{} {} ended early: {}", what, c.pid(), *end));
  }

  // Whether all of them have sent everything.
  bool feed_publishers() {
    bool all_done = true;
    for (std::size_t i = 0; child & c : publishers_) {
      std::string& names = to_send_[i++];
      const std::size_t before = names.size();
      if (before > 0) {
        c.write_some(names);
        if (names.empty())
          c.end_input();
      }
      if (names.size() < before)
        last_move_ = clock::now();
      c.read_some(ignored_);  // what it says is for people; unread, it would fill the pipe
      ignored_.clear();
      if (!c.ended())
        all_done = false;
      else
        expect_success(c, "publisher");
    }
    return all_done;
  }

  // Asked only when no publisher is left: from then on an empty queue stays empty. A subscriber
  // reports a message before it is done with it, so all reports are in their pipes then, too.
  [[nodiscard]] bool queue_is_empty() const {
    const auto info = millrace::stat(queue_.name());
    return info.depth == 0 && info.in_hands == 0 && info.in_progress == 0;
  }

  void take_arrivals() {
    const auto before = arrived_.messages();
    for (std::size_t i = 0; child & c : subscribers_) {
      std::string& printed = printed_[i++];
      c.read_some(printed);
      arrived_.take_lines(printed);
    }
    if (arrived_.messages() > before)
      last_arrival_ = last_move_ = clock::now();
  }

  // The pause between two looks, and the reasons not to go on.
  void look_again() {
    std::this_thread::sleep_for(between_looks);
    if (interrupted)
      throw std::runtime_error("interrupted");
    if (!removed_)
      for (child& c : subscribers_)
        expect_running(c, "subscriber");
    if (clock::now() - last_move_ > longest_standstill)
      throw std::runtime_error(fmt::format("nothing has moved for {} s, {} messages arrived",
                                           longest_standstill.count(),
                                           sample::grouped(arrived_.messages())));
  }

  const tree& sent_;
  fresh_queue queue_;
  bool removed_ = false;
  std::list<child> publishers_, subscribers_;  // die before the queue goes
  std::array<std::string, ends> to_send_, printed_;
  std::string ignored_;
  sample::arrivals arrived_;
  clock::time_point start_, last_arrival_, last_move_ = clock::now();
};

int demo(const std::filesystem::path& root) {
  const tree sent = list_tree(root);
  streaming run(sent);
  run.wait_until_all_take_part();
  run.stream();
  run.end_subscribers();

  const auto differences = run.arrived().differences(sent.files);
  for (std::size_t i = 0; i < std::min<std::size_t>(differences.size(), 10); ++i)
    fmt::print(stderr, "demo: {}\n", differences[i]);
  if (!differences.empty())
    throw std::runtime_error(fmt::format("{} of {} files did not arrive once, byte for byte",
                                         sample::grouped(differences.size()),
                                         sample::grouped(sent.files.size())));

  const auto bytes = run.arrived().bytes(), messages = run.arrived().messages();
  fmt::print(
      "{} files, {} bytes in {} messages: {} messages/s, {:.0f} MB/s; every file arrived "
      "once, byte for byte\n",
      sample::grouped(sent.files.size()), sample::grouped(bytes), sample::grouped(messages),
      sample::grouped(static_cast<std::uint64_t>(static_cast<double>(messages) / run.seconds())),
      static_cast<double>(bytes) / run.seconds() / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
    fmt::print(stderr, "usage: demo [DIRECTORY]   (else /usr/include/boost)\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // a dead publisher is noticed as such
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, [](int) { interrupted = 1; });
  return demo(argc == 2 ? argv[1] : "/usr/include/boost");
} catch (const std::exception& failure) {
  fmt::print(stderr, "demo: {}\n", failure.what());
  return 1;
}
