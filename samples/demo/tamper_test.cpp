// Proves that the demo's check can fail: runs it on a tree and interferes while it streams, as
//
//     lost       takes one message out of the queue for good
//     repeated   publishes one message a second time
//     changed    alters one byte of one message
//     publisher, subscriber    kills that process
//
// The demo must notice, name the file (or the process), end with 1, and leave no queue behind.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

#include "../support/file_piece.hpp"
#include "child.hpp"

namespace {

using namespace std::chrono_literals;

// Calls until it says true, while the demo runs.
template <class Try>
void repeat_until(sample::child& demo, Try attempt) {
  while (!attempt()) {
    if (demo.ended())
      throw std::runtime_error("the demo ended before it could be interfered with");
    std::this_thread::sleep_for(100us);
  }
}

// What the demo's complaint must contain.
struct complaint {
  std::string about, what;
};

complaint kill_one(const std::string& queue, sample::child& demo, bool publisher) {
  complaint expected;
  repeat_until(demo, [&] {
    for (const auto& participant : millrace::stat(queue).participants) {
      const auto pid = static_cast<pid_t>(participant.pid);
      if (participant.publishes != publisher || participant.messages == 0 || pid == demo.pid())
        continue;
      ::kill(pid, SIGKILL);
      expected = {std::to_string(pid), "killed by signal 9"};
      return true;
    }
    return false;
  });
  return expected;
}

complaint tamper(const std::string& queue, const std::string& how) {
  const millrace::queue_options there{.open = millrace::opening::open_only};
  millrace::subscriber thief(queue, there);
  const auto stolen = thief.dequeue_for(20s);
  if (!stolen)
    throw std::runtime_error("no message came this way");
  const auto piece = sample::unpack(stolen->bytes());
  const std::string path(piece.path);
  if (how == "lost")
    return {path, "missing"};

  // While the stolen message is in our hands the demo does not take the queue for empty.
  millrace::publisher forger(queue, there);
  std::vector<std::byte> frame(stolen->bytes().begin(), stolen->bytes().end());
  const bool change = how == "changed";
  if (change && piece.bytes.empty())
    throw std::runtime_error("nothing to change in " + path);
  if (change)
    frame.back() ^= std::byte{1};
  for (int copies = change ? 1 : 2; copies > 0; --copies)
    if (forger.enqueue_for(frame, 20s) != millrace::status::ok)
      throw std::runtime_error("could not publish");
  return {path, change ? "changed" : "twice"};
}

void run(const std::string& program, const std::string& tree, const std::string& how) {
  // The shell only joins the demo's errors to its output; exec keeps its process id.
  sample::child demo("/bin/sh", {"-c", "exec \"$0\" \"$1\" 2>&1", program, tree});
  const std::string queue = fmt::format("demo.{}", demo.pid());
  const auto queue_exists = [&] { return std::ranges::count(millrace::list(), queue) == 1; };
  repeat_until(demo, queue_exists);

  const bool kills = how == "publisher" || how == "subscriber";
  const complaint expected = kills ? kill_one(queue, demo, how == "publisher") : tamper(queue, how);

  std::string said;
  while (!demo.ended()) {
    demo.read_some(said);
    std::this_thread::sleep_for(1ms);
  }
  demo.read_some(said);
  fmt::print("{}", said);
  if (*demo.ended() != "exit status 1")
    throw std::runtime_error("the demo did not fail: " + *demo.ended());
  const auto line = said.find(expected.about);
  if (line == std::string::npos || said.find(expected.what, line) == std::string::npos)
    throw std::runtime_error(
        fmt::format("nothing was said of {}: {}", expected.about, expected.what));
  if (queue_exists())
    throw std::runtime_error("the queue is still there");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4)
    throw std::runtime_error("usage: tamper_test DEMO DIRECTORY HOW");
  run(argv[1], argv[2], argv[3]);
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "tamper_test: {}\n", failure.what());
  return 1;
}
