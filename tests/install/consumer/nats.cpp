// Begins to bridge a queue in the directory it is given, and is told what is wrong: there is no
// such file.
#include <iostream>
#include <string_view>

#include <millrace/core/error.hpp>
#include <millrace/link/nats_bridge.hpp>

int main(int, char** arguments) {
  millrace::subscriber from("bridged", {.directory = arguments[1]});
  const millrace::to_nats_options options{
      .server = {.credentials = "no-such-file"}, .stream = {.name = "S"}, .subject = "s"};
  try {
    millrace::bridge_to_nats(from, options, {});
  } catch (const millrace::error& problem) {
    if (std::string_view(problem.what()).find("no-such-file") != std::string_view::npos) {
      std::cout << "millrace is installed\n";
    }
  }
}
