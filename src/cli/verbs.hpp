// The verbs of the command, one file each. Every function adds its subcommand; when the arguments
// choose it, `chosen` becomes what to run.
#pragma once

#include <functional>

#include "outcome.hpp"

namespace CLI {
class App;
}

namespace millrace::cli {

using verb = std::function<exit_code()>;

void add_create(CLI::App& app, verb& chosen);
void add_publish(CLI::App& app, verb& chosen);
void add_subscribe(CLI::App& app, verb& chosen);
void add_list(CLI::App& app, verb& chosen);
void add_stat(CLI::App& app, verb& chosen);
void add_doctor(CLI::App& app, verb& chosen);
void add_peek(CLI::App& app, verb& chosen);
void add_remove(CLI::App& app, verb& chosen);
void add_link(CLI::App& app, verb& chosen);
void add_bench(CLI::App& app, verb& chosen);
void add_bridge(CLI::App& app, verb& chosen);

}  // namespace millrace::cli
