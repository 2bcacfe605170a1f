// millrace create: makes a queue that stays until it is removed.
#include <charconv>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/publisher.hpp>

#include "arguments.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct create_arguments {
  std::string name;
  queue_options options;
};

unsigned parse_permissions(const std::string& text) {
  unsigned mode = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, mode, 8);
  if (parsed.ec != std::errc() || parsed.ptr != end || mode > 0777) {
    throw failure(exit_code::usage,
                  fmt::format("--permissions cannot be '{}'; write an octal mode such as 0600 (you "
                              "alone) or 0660 (your group too)",
                              text));
  }
  return mode;
}

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
  create
      .add_option_function<std::string>(
          "--permissions",
          [options = &arguments->options](const std::string& text) {
            options->permissions = parse_permissions(text);
          },
          "Access mode of the queue's file [0600]")
      ->type_name("MODE");
  create.callback([arguments, &chosen] {
    chosen = [arguments] {
      arguments->options.open = opening::create_only;
      const publisher made(arguments->name, arguments->options);
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
