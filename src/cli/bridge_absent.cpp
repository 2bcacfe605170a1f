// millrace bridge where cnats was not found: says so.
#include <CLI/CLI.hpp>

#include "verbs.hpp"

namespace millrace::cli {

void add_bridge(CLI::App& app, verb& chosen) {
  CLI::App& bridge =
      *app.add_subcommand("bridge", "Join a queue to a NATS JetStream stream (not in this build)");
  bridge.allow_extras();
  bridge.callback([&chosen] {
    chosen = []() -> exit_code {
      throw failure(exit_code::failed,
                    "this millrace was built without cnats (Debian: libnats-dev), which 'bridge' "
                    "needs; build it anew where that is installed");
    };
  });
}

}  // namespace millrace::cli
