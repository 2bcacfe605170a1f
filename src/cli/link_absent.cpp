// millrace link, where the library has no links.
#include <CLI/CLI.hpp>

#include "verbs.hpp"

namespace millrace::cli {

void add_link(CLI::App& app, verb& chosen) {
  CLI::App& link = *app.add_subcommand("link", "Not in this build");
  link.allow_extras();
  link.callback([&chosen] {
    chosen = []() -> exit_code {
      throw failure(exit_code::failed, "this millrace was built without libmpack or OpenSSL, and "
                                       "so without links; build it with libmpack-dev and "
                                       "libssl-dev installed");
    };
  });
}

}  // namespace millrace::cli
