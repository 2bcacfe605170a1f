// millrace: queues between processes, from the command line.
#include <new>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/version.hpp>

#include "interruption.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace {

using namespace millrace::cli;

void describe(CLI::App& app, verb& chosen) {
  app.name("millrace");
  app.description("Queues between processes in shared memory.");
  app.set_version_flag("--version", "millrace " MILLRACE_VERSION, "Print the version");
  app.set_help_flag("-h,--help", "Print this help");
  app.require_subcommand(0, 1);
  add_create(app, chosen);
  add_publish(app, chosen);
  add_subscribe(app, chosen);
  add_list(app, chosen);
  add_stat(app, chosen);
  add_doctor(app, chosen);
  add_peek(app, chosen);
  add_remove(app, chosen);
  add_link(app, chosen);
  add_bridge(app, chosen);
  add_bench(app, chosen);
  // Last, for the verbs would inherit it.
  app.footer("Examples:\n"
             "  millrace publish jobs --file jobs.txt\n"
             "  millrace subscribe jobs --follow | while read -r job; do echo \"$job\"; done\n"
             "Exits with 0: done, 1: failed, 2: wrong usage, 3: timed out.");
}

exit_code run(int argc, char** argv) {
  CLI::App app;
  verb chosen;
  describe(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help or --version
    std::ostringstream text;
    app.exit(asked, text, text);
    write_text(text.str());
    return exit_code::ok;
  } catch (const CLI::ParseError& problem) {
    throw failure(exit_code::usage, fmt::format("{}; see 'millrace --help' and 'millrace VERB "
                                                "--help'",
                                                problem.what()));
  }
  if (!chosen) {
    throw failure(exit_code::usage,
                  "say what to do: create, publish, subscribe, list, stat, doctor, "
                  "peek, remove, link, bridge or bench; see 'millrace --help'");
  }
  return chosen();
}

exit_code guarded_run(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const failure& problem) {
    return report(problem);
  } catch (const millrace::error& problem) {
    return report(explain(problem));
  } catch (const output_closed&) {
    return exit_code::failed;
  } catch (const interrupted&) {
    return report({exit_code::failed, "interrupted"});
  } catch (const std::bad_alloc&) {
    return report({exit_code::failed, "out of memory; send shorter messages"});
  } catch (const std::exception& problem) {
    return report({exit_code::failed, problem.what()});
  }
}

}  // namespace

int main(int argc, char** argv) {
  ignore_closed_pipes();
  return static_cast<int>(guarded_run(argc, argv));
}
