// millrace create: makes a queue that stays until it is removed.
#include <memory>

#include <CLI/CLI.hpp>
#include <millrace/queue/publisher.hpp>

#include "arguments.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct create_arguments {
  std::string name;
  queue_options options;
};

}  // namespace

void add_create(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<create_arguments>();
  CLI::App& create = *app.add_subcommand("create", "Make a queue; it stays until it is removed");
  add_queue_name(create, arguments->name);
  add_sizes(create, arguments->options);
  add_directory(create, arguments->options.directory);
  const auto flag = [&](const char* name, const char* description, auto& option, auto value) {
    create.add_flag_callback(
        name, [&option, value] { option = value; }, description);
  };
  flag("--exclusive-publisher", "Allow one publisher at a time, which is faster",
       arguments->options.publishers, role::exclusive);
  flag("--exclusive-subscriber", "Allow one subscriber at a time, which is faster",
       arguments->options.subscribers, role::exclusive);
  flag("--at-most-once", "Drop a message whose subscriber dies instead of delivering it again",
       arguments->options.guarantee, delivery::at_most_once);
  add_permissions(create, arguments->options);
  create.callback([arguments, &chosen] {
    chosen = [arguments] {
      arguments->options.open = opening::create_only;
      const publisher made(arguments->name, arguments->options);
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
