// millrace remove: removes queues and what is in them.
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>

#include "arguments.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct remove_arguments {
  std::vector<std::string> names;
  std::filesystem::path directory;
};

void remove_one(const std::string& name, const std::filesystem::path& directory) {
  if (!millrace::remove(name, directory)) {
    throw failure(exit_code::failed,
                  fmt::format("there is no queue {} in {}; 'millrace list' shows what there is",
                              name,
                              (directory.empty() ? default_directory() : directory).string()));
  }
}

/// Removes what can be removed, even if one of them cannot.
exit_code remove_all(const remove_arguments& arguments) {
  exit_code result = exit_code::ok;
  for (const auto& name : arguments.names) {
    try {
      remove_one(name, arguments.directory);
    } catch (const failure& problem) {
      result = report(problem);
    } catch (const error& problem) {
      result = report(explain(problem));
    }
  }
  return result;
}

}  // namespace

void add_remove(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<remove_arguments>();
  CLI::App& remove = *app.add_subcommand("remove", "Remove queues with the messages in them");
  remove.add_option("NAME", arguments->names, "The queues' names")->required()->type_name("");
  add_directory(remove, arguments->directory);
  remove.callback(
      [arguments, &chosen] { chosen = [arguments] { return remove_all(*arguments); }; });
}

}  // namespace millrace::cli
