// A calculator for other processes: start it, then calculator_client in another terminal.
//
//     ./calculator_service NAME
//
// Kill it and start it again, if you like: calls that are not answered by then wait for the next
// one. `millrace remove NAME` ends it.
#include <exception>
#include <map>
#include <numeric>
#include <string>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

#include "../support/calculator.hpp"

using millrace::reply_box;

// A function for each command; it does not compile if one is left out.
class desk_calculator {
 public:
  auto operator()(sample::divide&& d, reply_box<double> reply) {
    if (d.by == 0)
      return fail(reply, "nothing can be divided by zero");
    return reply_to(reply, d.number / d.by);
  }

  auto operator()(sample::sum&& s, reply_box<double> reply) {
    return reply_to(reply, std::accumulate(s.numbers.begin(), s.numbers.end(), 0.0));
  }

  void operator()(sample::remember&& r) { memory_[r.name] = r.value; }

  auto operator()(sample::recall&& r, reply_box<double> reply) {
    const auto found = memory_.find(r.name);
    if (found == memory_.end())
      return fail(reply, "no " + r.name + " here");
    return reply_to(reply, found->second);
  }

 private:
  std::map<std::string, double> memory_;
};

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: calculator_service NAME\n");
    return 2;
  }
  millrace::service<sample::calculator> desk(argv[1]);
  desk.serve(desk_calculator());  // until the queue is removed
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "calculator_service: {}\n", failure.what());
  return 1;
}
