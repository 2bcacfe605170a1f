// Asks a calculator_service, in another process, what that can do:
//
//     ./calculator_client NAME
//
// What to learn here: the commands and the calls are those of the sample `commands`, where both
// sides are threads of one program.
#include <chrono>
#include <exception>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

#include "../support/calculator.hpp"

using namespace std::chrono_literals;
using millrace::command_errc;

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: calculator_client NAME\n");
    return 2;
  }
  millrace::client<sample::calculator> desk(argv[1]);  // waits until somebody serves it

  const auto third = call(desk, sample::divide{1, 3}, 10s);
  fmt::print("1 / 3 = {}\n", third.value());

  const auto impossible = call(desk, sample::divide{1, 0}, 10s);
  if (impossible || impossible.error().code != command_errc::failed)
    return 1;
  fmt::print("1 / 0: {}\n", impossible.error().why);

  // Commands are handled in the order in which they are sent here.
  if (!cast(desk, sample::remember{"pi", 3.14159}))
    return 1;
  fmt::print("pi = {}\n", call(desk, sample::recall{"pi"}, 10s).value());

  // Two calls under way at once; a coroutine would co_await the replies.
  auto first = call_async(desk, sample::sum{{1, 2, 3}});
  auto second = call_async(desk, sample::sum{{4, 5, 6}});
  if (!first.wait_for(10s) || !second.wait_for(10s))
    return 1;
  fmt::print("1 + 2 + 3 = {}, 4 + 5 + 6 = {}\n", first.try_take()->value(),
             second.try_take()->value());
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "calculator_client: {}\n", failure.what());
  return 1;
}
